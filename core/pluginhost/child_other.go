//go:build !linux

package pluginhost

import (
	"os"
	"os/exec"
	"syscall"
)

// childAttributes keeps a terminal's Ctrl-C from the plugins: the host decides
// when they end. They notice a dead host by the end of their stdin.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// runOpen leaves the command as it is: these systems run a program by its name
// only, which was compared a moment ago.
func runOpen(*exec.Cmd, *os.File) {}
