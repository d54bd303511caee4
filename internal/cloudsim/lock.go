package cloudsim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInUse means that another process runs a cloud on the same folder.
var ErrInUse = errors.New("another cloud runs on this folder")

// lockDir keeps a second cloud off the folder. The kernel drops the lock when the process ends, however it ends.
func (c *Cloud) lockDir() error {
	path := filepath.Join(c.opts.Dir, "cloud.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the cloud's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock the cloud's folder %s: %w", c.opts.Dir, ErrInUse)
		}
		return fmt.Errorf("lock the cloud's folder %s: %w", c.opts.Dir, err)
	}
	c.lock = f
	return nil
}

func (c *Cloud) unlockDir() error {
	if c.lock == nil {
		return nil
	}
	return c.lock.Close()
}
