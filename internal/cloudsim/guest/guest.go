// Package guest is a machine without hardware: its own file system, host name,
// address, POSIX shell, packages, services, firewall and SSH server, all inside
// this process. Templates made from its disk hold its files, user data runs at
// its first boot, and its services answer over in-process connections.
//
// The host is out of reach by construction: the shell's interpreter gets every
// handler from here, files live in package vfs, connections in package wire.
// Nothing runs while a guest is idle and an unbooted guest holds no memory.
//
// It imports the standard library, x/crypto/ssh, the shell interpreter, YAML and
// its own sub-packages; nothing else of this module.
package guest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// What a connection from outside meets.
var (
	// ErrRefused: the machine answers, nothing listens there.
	ErrRefused = errors.New("connection refused")
	// ErrFiltered: the machine's firewall rejects the port, or it is not running.
	ErrFiltered = errors.New("no route to host")
	// ErrRunning: Boot of a machine that runs.
	ErrRunning = errors.New("the machine is running")
)

// Clock is the time a guest lives in.
type Clock interface {
	Now() time.Time
	// Sleep waits for d of this clock or until ctx ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// Network is what a guest reaches beyond itself.
type Network interface {
	// Egress reports why traffic to the outside world is not let out, or nil.
	Egress(ctx context.Context, proto, host string, port int) error
	// Dial connects to another address of the cloud.
	Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
}

// Resolver is a Network that knows host names.
type Resolver interface {
	Lookup(host string) (addr netip.Addr, known bool)
}

// Config describes a machine for New. Disk, Address and Hostname are required.
type Config struct {
	ID         string // names the machine in logs
	InstanceID string // first boot happens once per instance id
	Hostname   string
	Domain     string // of the network, e.g. cs2cloud.internal
	Address    netip.Addr
	Gateway    netip.Addr
	Disk       *vfs.Disk
	UserData   []byte   // decoded
	SSHKeys    []string // authorized_keys lines for the default user and root
	Password   string   // for root and the default user; empty keeps what is set
	CPUs       int
	MemoryMB   int
	Network    Network // nil: nothing beyond the machine itself
	Clock      Clock   // nil: real time
	Log        *slog.Logger
	// Power is told when the guest powers itself off (or restarts: again is
	// true). It is called from its own goroutine; the machine is off by then.
	Power func(again bool)
}

type power int

const (
	powerOff power = iota
	powerStarting
	powerOn
	powerStopping
)

// Machine is one guest. All methods are safe for concurrent use.
type Machine struct {
	cfg   Config
	disk  *vfs.Disk
	os    *distro
	clock Clock
	meter *meter

	mu        sync.Mutex // guards what follows
	state     power
	ctx       context.Context // ends with the present run
	cancel    context.CancelFunc
	bootedAt  time.Time
	jobs      sync.WaitGroup // everything that runs in the guest
	units     map[string]*running
	listeners map[uint16]func(net.Conn)
	conns     map[*guestConn]struct{}
	firewall  firewallState
	initDone  chan struct{} // closed when cloud-init has finished
	initError error
	logs      []string // the journal of this run
	programs  map[string]program
}

// New makes a machine that is off.
func New(cfg Config) (*Machine, error) {
	if cfg.Disk == nil {
		return nil, fmt.Errorf("guest %s: no disk", cfg.ID)
	}
	os, err := distroOf(cfg.Disk.Base())
	if err != nil {
		return nil, fmt.Errorf("guest %s: %w", cfg.ID, err)
	}
	if cfg.Clock == nil {
		cfg.Clock = realClock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.CPUs = max(cfg.CPUs, 1)
	if cfg.MemoryMB == 0 {
		cfg.MemoryMB = 1024
	}
	cfg.Disk.SetClock(cfg.Clock.Now)
	return &Machine{cfg: cfg, disk: cfg.Disk, os: os, clock: cfg.Clock, meter: newMeter(cfg.CPUs, time.Now)}, nil
}

// Disk is the machine's disk.
func (m *Machine) Disk() *vfs.Disk { return m.disk }

// Address is the machine's private address.
func (m *Machine) Address() netip.Addr { return m.cfg.Address }

// Running tells whether the machine is on.
func (m *Machine) Running() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == powerOn || m.state == powerStarting
}

// Boot starts the machine: first-boot settings, enabled services, SSH. User data
// goes on in the background, as in a real machine; WaitInit waits for it.
func (m *Machine) Boot(ctx context.Context) error {
	m.mu.Lock()
	if m.state != powerOff {
		m.mu.Unlock()
		return fmt.Errorf("boot guest %s: %w", m.cfg.ID, ErrRunning)
	}
	m.state = powerStarting
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.bootedAt = m.clock.Now()
	m.units = map[string]*running{}
	m.listeners = map[uint16]func(net.Conn){}
	m.conns = map[*guestConn]struct{}{}
	m.firewall = firewallState{}
	m.initDone = make(chan struct{})
	m.initError = nil
	m.logs = nil
	m.programs = programTable()
	run := m.ctx
	m.mu.Unlock()

	if err := m.startUp(run); err != nil {
		m.Kill()
		return fmt.Errorf("boot guest %s: %w", m.cfg.ID, err)
	}
	m.mu.Lock()
	if m.state == powerStarting {
		m.state = powerOn
	}
	m.mu.Unlock()
	m.meter.reset()
	return nil
}

// startUp is the boot sequence up to where SSH answers.
func (m *Machine) startUp(ctx context.Context) error {
	if err := m.writeRuntimeFiles(); err != nil {
		return err
	}
	plan, err := m.cloudInitLocal()
	if err != nil {
		return err
	}
	if err := m.ensureHostKeys(); err != nil {
		return err
	}
	m.startEnabledUnits(ctx)
	if err := m.disk.Sync(); err != nil {
		return err
	}
	m.mu.Lock()
	done := m.initDone
	m.mu.Unlock()
	m.spawn(func() {
		defer close(done)
		m.cloudInitFinal(ctx, plan)
	})
	return nil
}

// spawn runs f as part of the machine: Shutdown and Kill wait for it.
func (m *Machine) spawn(f func()) {
	m.jobs.Add(1)
	go func() {
		defer m.jobs.Done()
		f()
	}()
}

// WaitInit waits until cloud-init has finished and returns its error, if any.
func (m *Machine) WaitInit(ctx context.Context) error {
	m.mu.Lock()
	done := m.initDone
	m.mu.Unlock()
	if done == nil {
		return fmt.Errorf("guest %s has not been booted", m.cfg.ID)
	}
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.initError
}

// Shutdown stops services, ends connections and makes the disk durable.
func (m *Machine) Shutdown(ctx context.Context) error {
	m.mu.Lock()
	if m.state == powerOff || m.state == powerStopping {
		m.mu.Unlock()
		return nil
	}
	m.state = powerStopping
	m.mu.Unlock()
	m.stopAllUnits()
	m.halt()
	if err := m.disk.Sync(); err != nil {
		return fmt.Errorf("shut down guest %s: %w", m.cfg.ID, err)
	}
	return nil
}

// Kill takes the power away. What was synced before stays on the disk.
func (m *Machine) Kill() {
	m.mu.Lock()
	if m.state == powerOff || m.state == powerStopping {
		m.mu.Unlock()
		return
	}
	m.state = powerStopping
	m.mu.Unlock()
	m.halt()
}

// halt ends everything that runs and waits for it.
func (m *Machine) halt() {
	m.mu.Lock()
	m.cancel()
	for c := range m.conns {
		c.Break()
	}
	units := m.units
	m.units = map[string]*running{}
	m.listeners = nil
	m.mu.Unlock()
	for _, u := range units {
		u.stop()
	}
	m.jobs.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = powerOff
	m.programs = nil
}

// powerSelf is poweroff or reboot typed in the guest.
func (m *Machine) powerSelf(again bool) {
	// Not part of jobs: it waits for them.
	go func() {
		if err := m.Shutdown(context.Background()); err != nil {
			m.cfg.Log.Error("guest powers off", "guest", m.cfg.ID, "error", err)
		}
		if m.cfg.Power != nil {
			m.cfg.Power(again)
			return
		}
		if again {
			if err := m.Boot(context.Background()); err != nil {
				m.cfg.Log.Error("guest restarts", "guest", m.cfg.ID, "error", err)
			}
		}
	}()
}

// realClock is the time of the host.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
