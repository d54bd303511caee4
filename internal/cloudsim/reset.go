package cloudsim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Reset throws everything away and starts anew with the start content and fresh keys. Its endpoint stays the same.
func (c *Cloud) Reset(ctx context.Context) error {
	c.faults.remove("") // lets go of held calls
	c.sessions.clear()
	c.gate.Lock()
	defer c.gate.Unlock()
	c.jobs.close()
	for i := len(c.services) - 1; i >= 0; i-- {
		c.services[i].Stop()
	}
	c.mu.Lock()
	err := c.wipe()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	c.jobs = newScheduler(c.ctx, c)
	c.services = newServices(c)
	for _, s := range c.services {
		if err := s.Start(c.ctx); err != nil {
			return fmt.Errorf("reset the cloud: %w", err)
		}
	}
	return ctx.Err()
}

// wipe empties the tables and the folder, but for the lock, the log and the admin token, and writes the start content.
func (c *Cloud) wipe() error {
	for _, t := range c.store.all {
		t.forget()
	}
	if err := c.seed(); err != nil {
		return fmt.Errorf("reset the cloud: %w", err)
	}
	c.store.undo, c.store.pending = nil, nil
	if c.store.wal == nil {
		return nil
	}
	if err := c.store.wal.compact(c.store); err != nil {
		return err
	}
	entries, err := os.ReadDir(c.opts.Dir)
	if err != nil {
		return fmt.Errorf("reset the cloud: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case walName, TokenFile, "cloud.lock", "disks": // the guests sweep away disks that nobody owns
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.opts.Dir, e.Name())); err != nil {
			return fmt.Errorf("reset the cloud: %w", err)
		}
	}
	return nil
}
