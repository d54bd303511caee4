//go:build !linux

package postgrestest

import "syscall"

// attributes: only Linux ends children with their parent.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
