package state

import (
	"os"
	"strings"
	"syscall"
)

// networkFileSystem names the network file system that dir lies on, or "".
func networkFileSystem(dir string) (string, error) {
	var info syscall.Statfs_t
	if err := syscall.Statfs(dir, &info); err != nil {
		return "", &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	var name strings.Builder
	for _, c := range info.Fstypename {
		if c == 0 {
			break
		}
		name.WriteByte(byte(c))
	}
	switch name.String() {
	case "nfs", "smbfs", "afpfs", "webdav":
		return name.String(), nil
	}
	return "", nil
}
