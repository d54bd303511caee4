package state

import (
	"os"
	"syscall"
)

// networkMagics are the numbers by which the kernel names file systems that
// live on another machine.
var networkMagics = map[int64]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x5346414f: "AFS",
	0x01021997: "9P",
	0x00c36400: "CephFS",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x013111a8: "IBRIX",
	0x19830326: "BeeGFS",
	0x73757245: "Coda",
	0x564c:     "NCP",
}

// networkFileSystem names the network file system that dir lies on, or "".
func networkFileSystem(dir string) (string, error) {
	var info syscall.Statfs_t
	if err := syscall.Statfs(dir, &info); err != nil {
		return "", &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return networkName(int64(info.Type)), nil
}

func networkName(magic int64) string {
	// Some systems hand the number out as a signed 32 bit value.
	return networkMagics[magic&0xffffffff]
}
