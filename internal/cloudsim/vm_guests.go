package cloudsim

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// guestFarm runs the guests of the machines that are Running and keeps their disks. Disks lie in the folder "disks" of the
// cloud's folder, one folder each; a cloud in memory keeps them here.
type guestFarm struct {
	cloud *Cloud
	wait  sync.WaitGroup

	mu       sync.Mutex
	machines map[string]*guest.Machine // by machine id
	memory   map[string]*vfs.Disk      // by disk path, only without a folder
	closed   bool
}

func newGuestFarm(c *Cloud) *guestFarm {
	f := &guestFarm{cloud: c, machines: make(map[string]*guest.Machine), memory: make(map[string]*vfs.Disk)}
	maps.Copy(f.memory, c.seeded)
	return f
}

// Start boots, in the background, the guests of the machines that were running when the cloud ended.
func (f *guestFarm) Start(ctx context.Context) error {
	f.cloud.guests = f
	f.cloud.mu.Lock()
	running := f.cloud.store.VMs.Where(func(v VM) bool { return v.State == VMRunning })
	known := f.cloud.store.diskPaths()
	f.cloud.mu.Unlock()
	if err := f.sweep(known); err != nil {
		return err
	}
	f.wait.Go(func() {
		for _, vm := range running {
			if ctx.Err() != nil {
				return
			}
			if err := f.boot(ctx, vm.ID); err != nil {
				f.cloud.opts.Log("restart guest %s: %v", vm.Name, err)
			}
		}
	})
	return nil
}

// diskPaths are the disks that rows own.
func (s *store) diskPaths() map[string]bool {
	known := make(map[string]bool)
	for v := range s.Volumes.All() {
		known[v.DiskPath] = true
	}
	for t := range s.Templates.All() {
		known[t.DiskPath] = true
	}
	for o := range s.Snapshots.All() {
		known[o.DiskPath] = true
	}
	for o := range s.VMSnapshots.All() {
		known[o.DiskPath] = true
	}
	return known
}

// sweep removes disks that nobody owns: a kill came between the loss of a row and that of its disk, or before a copy was
// recorded, which its job then makes again.
func (f *guestFarm) sweep(known map[string]bool) error {
	if f.cloud.opts.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(f.cloud.opts.Dir, "disks"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for left disks: %w", err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			f.remove(e.Name())
		}
	}
	return nil
}

// Stop ends all guests, with their disks in order: the cloud goes, the machines stay Running in the store.
func (f *guestFarm) Stop() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.wait.Wait()
	f.mu.Lock()
	all := f.machines
	f.machines = make(map[string]*guest.Machine)
	f.mu.Unlock()
	var wait sync.WaitGroup
	for id, m := range all {
		wait.Go(func() {
			if err := f.end(m); err != nil {
				f.cloud.opts.Log("stop guest %s: %v", id, err)
			}
		})
	}
	wait.Wait()
}

// end shuts a guest down and lets its disk go.
func (f *guestFarm) end(m *guest.Machine) error {
	err := m.Shutdown(context.Background())
	if f.cloud.opts.Dir != "" {
		err = errors.Join(err, m.Disk().Close())
	}
	return err
}

// guestOf is the running guest of a machine, nil if there is none.
func (c *Cloud) guestOf(vmID string) *guest.Machine {
	if c.guests == nil {
		return nil
	}
	c.guests.mu.Lock()
	defer c.guests.mu.Unlock()
	if m := c.guests.machines[vmID]; m != nil && m.Running() {
		return m
	}
	return nil
}

// boot starts the guest of a machine on its root volume; one that runs already is left alone. Not under the cloud's lock.
func (f *guestFarm) boot(ctx context.Context, vmID string) error {
	f.mu.Lock()
	m, closed := f.machines[vmID], f.closed
	f.mu.Unlock()
	switch {
	case closed:
		return errors.New("the cloud stops")
	case m != nil && m.Running():
		return nil
	case m != nil:
		return m.Boot(ctx)
	}
	cfg, root, err := f.config(vmID)
	if err != nil {
		return err
	}
	if cfg.Disk, err = f.open(root.DiskPath); err != nil {
		return err
	}
	if m, err = guest.New(cfg); err != nil {
		return errors.Join(err, cfg.Disk.Close())
	}
	f.mu.Lock()
	f.machines[vmID] = m // before it boots: it may power itself off at once
	f.mu.Unlock()
	if err := m.Boot(ctx); err != nil {
		f.mu.Lock()
		delete(f.machines, vmID)
		f.mu.Unlock()
		return errors.Join(err, cfg.Disk.Close())
	}
	return nil
}

// isUp says whether a machine's guest has not gone down since it was booted.
func (f *guestFarm) isUp(vmID string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.machines[vmID] != nil
}

// config describes the guest as the store has its machine now.
func (f *guestFarm) config(vmID string) (guest.Config, Volume, error) {
	f.cloud.mu.Lock()
	defer f.cloud.mu.Unlock()
	s := f.cloud.store
	vm, ok := s.VMs.Get(vmID)
	if !ok {
		return guest.Config{}, Volume{}, fmt.Errorf("there is no machine %s", vmID)
	}
	root, ok := s.Volumes.Find(func(v Volume) bool { return v.VMID == vmID && v.Type == volumeRoot })
	if !ok || root.DiskPath == "" {
		return guest.Config{}, Volume{}, fmt.Errorf("machine %s has no root disk", vm.Name)
	}
	data, err := base64.StdEncoding.DecodeString(vm.UserData)
	if err != nil {
		return guest.Config{}, Volume{}, fmt.Errorf("user data of machine %s: %w", vm.Name, err)
	}
	nic, _ := vm.DefaultNIC()
	n, _ := s.Networks.Any(nic.NetworkID)
	cfg := guest.Config{ID: vm.Name, InstanceID: valueOr(vm.InstanceID, vm.ID), Hostname: vm.Name, Domain: n.Domain, UserData: data, SSHKeys: vm.PublicKeys,
		Password: vm.Password, CPUs: vm.CPUNumber, MemoryMB: vm.Memory, Clock: guestClock{f.cloud.clock},
		Network: &guestNetwork{farm: f, networkID: n.ID, address: nic.IPAddress}, Power: func(again bool) { f.powered(vmID, again) }}
	if cfg.Address, err = netip.ParseAddr(nic.IPAddress); err != nil {
		cfg.Address = netip.AddrFrom4([4]byte{169, 254, 0, 2}) // a machine without an address of the cloud's
	}
	if gw, err := netip.ParseAddr(n.Gateway); err == nil {
		cfg.Gateway = gw
	}
	return cfg, root, nil
}

// stop ends the guest of a machine: orderly, or (hard) as by pulling the plug.
func (f *guestFarm) stop(vmID string, hard bool) error {
	f.mu.Lock()
	m := f.machines[vmID]
	delete(f.machines, vmID)
	f.mu.Unlock()
	if m == nil {
		return nil
	}
	if hard {
		m.Kill()
	}
	return f.end(m)
}

// powered notes that a guest went down by itself, or boots it again.
func (f *guestFarm) powered(vmID string, again bool) {
	f.mu.Lock()
	m, closed := f.machines[vmID], f.closed
	if !again {
		delete(f.machines, vmID)
	}
	f.mu.Unlock()
	if closed || m == nil {
		return
	}
	if again {
		if err := m.Boot(context.Background()); err != nil {
			f.cloud.opts.Log("restart guest %s: %v", vmID, err)
		}
		return
	}
	if err := f.end(m); err != nil {
		f.cloud.opts.Log("stop guest %s: %v", vmID, err)
	}
	err := f.cloud.update(f.cloud.ctx, func(c *Call) error {
		if vm, ok := c.VMs.Get(vmID); ok && vm.State == VMRunning {
			c.halted(vm)
		}
		return nil
	})
	if err != nil {
		f.cloud.opts.Log("machine %s powered itself off: %v", vmID, err)
	}
}

func (f *guestFarm) path(disk string) string { return diskPath(f.cloud.opts.Dir, disk) }

// diskPath is where a disk lies in a cloud's folder; "" for a cloud in memory.
func diskPath(dir, disk string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "disks", disk)
}

// open opens a disk that was made.
func (f *guestFarm) open(disk string) (*vfs.Disk, error) {
	if f.cloud.opts.Dir != "" {
		return guest.OpenDisk(f.path(disk))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.memory[disk]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("open disk %s: %w", disk, fs.ErrNotExist)
}

// exists tells whether a disk was made: a job may come here twice.
func (f *guestFarm) exists(disk string) bool {
	if f.cloud.opts.Dir != "" {
		_, err := os.Stat(f.path(disk))
		return err == nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory[disk] != nil
}

// create makes a disk from a built-in image.
func (f *guestFarm) create(disk, image string) error {
	if f.exists(disk) {
		return nil
	}
	d, err := guest.CreateDisk(f.path(disk), image)
	if err != nil {
		return err
	}
	return f.keep(disk, d)
}

// make makes a root disk from a built-in image or, if that is empty, from another disk; one that exists is left alone.
func (f *guestFarm) make(disk, image, source string) error {
	if image != "" {
		return f.create(disk, image)
	}
	if f.exists(disk) {
		return nil
	}
	return f.clone(source, disk, "")
}

// clone copies a disk under a new name; running names the machine that may be using it.
func (f *guestFarm) clone(from, to, running string) error {
	f.mu.Lock()
	m := f.machines[running]
	f.mu.Unlock()
	var d *vfs.Disk
	var err error
	if m != nil {
		d, err = m.Disk().Clone(f.path(to))
	} else {
		var source *vfs.Disk
		if source, err = f.open(from); err != nil {
			return err
		}
		d, err = source.Clone(f.path(to))
		if f.cloud.opts.Dir != "" {
			err = errors.Join(err, source.Close())
		}
	}
	if err != nil {
		return err
	}
	return f.keep(to, d)
}

// keep closes a disk that was made, or holds it if the cloud lives in memory.
func (f *guestFarm) keep(disk string, d *vfs.Disk) error {
	if f.cloud.opts.Dir != "" {
		return d.Close()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.memory[disk] = d
	return nil
}

// remove deletes a disk; one that is not there is fine.
func (f *guestFarm) remove(disk string) {
	if disk == "" {
		return
	}
	f.mu.Lock()
	delete(f.memory, disk)
	f.mu.Unlock()
	if f.cloud.opts.Dir == "" {
		return
	}
	if err := os.RemoveAll(f.path(disk)); err != nil {
		f.cloud.opts.Log("remove disk %s: %v", disk, err)
	}
}

// guestClock is the cloud's clock as guests see it.
type guestClock struct{ clock Clock }

func (g guestClock) Now() time.Time { return g.clock.Now() }

func (g guestClock) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, g.clock, d) }

// guestNetwork is the world of one guest: its own network, and outside what the egress rules let through.
type guestNetwork struct {
	farm      *guestFarm
	networkID string
	address   string
}

var errNoEgress = errors.New("the network lets nothing out to there")

// Egress implements guest.Network.
func (g *guestNetwork) Egress(_ context.Context, proto, _ string, port int) error {
	if g.farm.cloud.egressAllowed(g.networkID, proto, port, g.address, "") {
		return nil
	}
	return errNoEgress
}

// Lookup is the name service of the network's router: it knows the machines by their host names.
func (g *guestNetwork) Lookup(host string) (netip.Addr, bool) {
	g.farm.cloud.mu.Lock()
	defer g.farm.cloud.mu.Unlock()
	s := g.farm.cloud.store
	n, _ := s.Networks.Get(g.networkID)
	short := strings.TrimSuffix(host, "."+n.Domain)
	for v := range s.VMs.All() {
		nic, on := v.NICOn(g.networkID)
		if !on || !strings.EqualFold(v.Name, short) {
			continue
		}
		addr, err := netip.ParseAddr(nic.IPAddress)
		return addr, err == nil
	}
	return netip.Addr{}, false
}
