//go:build !linux

package pluginhost

import "syscall"

// childAttributes keeps a terminal's Ctrl-C from the plugins: the host decides
// when they end. They notice a dead host by the end of their stdin.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
