package pluginhost

import "syscall"

// childAttributes makes the kernel end a plugin with its host: after a kill -9
// of the host nothing goes on calling the cloud.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
