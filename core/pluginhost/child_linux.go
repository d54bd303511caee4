package pluginhost

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// childAttributes makes the kernel end a plugin with its host: after a kill -9
// of the host nothing goes on calling the cloud.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// runOpen has a command run an open file, whatever its name leads to by then.
func runOpen(cmd *exec.Cmd, f *os.File) {
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	cmd.Path = "/proc/self/fd/" + strconv.Itoa(2+len(cmd.ExtraFiles))
}
