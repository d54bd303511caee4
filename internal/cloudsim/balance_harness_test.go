package cloudsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/wire"
)

// webMachine stands for a guest whose web server answers with its name on any port.
type webMachine struct {
	server *http.Server
	conns  chan net.Conn

	mu  sync.Mutex
	cpu float64
	off bool
}

func newWebMachine(t *testing.T, name string) *webMachine {
	t.Helper()
	m := &webMachine{conns: make(chan net.Conn), cpu: 10}
	m.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, name)
	})}
	go func() { _ = m.server.Serve(m) }()
	t.Cleanup(func() { _ = m.server.Close() })
	return m
}

// The machine is its own listener.
func (m *webMachine) Accept() (net.Conn, error) {
	c, ok := <-m.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (m *webMachine) Close() error   { close(m.conns); return nil }
func (m *webMachine) Addr() net.Addr { return &net.TCPAddr{} }

func (m *webMachine) Dial(ctx context.Context, port uint16, _ netip.Addr) (net.Conn, error) {
	m.mu.Lock()
	off := m.off
	m.mu.Unlock()
	if off {
		return nil, syscall.ECONNREFUSED
	}
	near, far := wire.Pair(&net.TCPAddr{IP: net.IPv4(10, 1, 1, 1)}, &net.TCPAddr{IP: net.IPv4(10, 1, 1, 4), Port: int(port)})
	select {
	case m.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
func (m *webMachine) Listening() []uint16 { return []uint16{22, 80} }
func (m *webMachine) CPU() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cpu
}
func (m *webMachine) SetCPU(percent float64, _ time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cpu = percent
}
func (m *webMachine) ClearCPU() { m.SetCPU(10, time.Time{}) }

// farm gives a cloud machines that exist only in the test.
type farm struct {
	mu       sync.Mutex
	machines map[string]*webMachine
}

func (f *farm) add(id string, m *webMachine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.machines[id] = m
}

func (f *farm) find(id string) (machine, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.machines[id]
	return m, ok
}

// balanced is a cloud with one network with a router, two machines, a public address.
type balanced struct {
	*Cloud
	t       *testing.T
	farm    *farm
	network string
	ip      string // id
	address string
	vms     []string
}

var publicRanges struct {
	mu   sync.Mutex
	next int
}

// ownRange is a range of public addresses no other test of this process uses.
func ownRange() string {
	publicRanges.mu.Lock()
	defer publicRanges.mu.Unlock()
	publicRanges.next++
	return fmt.Sprintf("127.%d.%d.0/24", 67+publicRanges.next/200, publicRanges.next%200)
}

func startBalanced(t *testing.T, opts Options) *balanced {
	t.Helper()
	return startFarm(t, &farm{machines: map[string]*webMachine{}}, opts)
}

func startFarm(t *testing.T, f *farm, opts Options) *balanced {
	t.Helper()
	opts.machines = f.find
	if opts.PublicRange == "" {
		opts.PublicRange = ownRange()
	}
	b := &balanced{Cloud: startCloud(t, opts), t: t, farm: f}
	b.network = makeNetwork(t, b.Cloud, "admin", "web")
	for _, name := range []string{"web-1", "web-2"} {
		b.addVM(name, fmt.Sprintf("10.1.1.%d", 4+len(b.vms)))
	}
	mustJob(t, b.Cloud, "admin", "associateIpAddress", "networkid", b.network)
	ip := must(t, b.Cloud, "admin", "listPublicIpAddresses", "associatednetworkid", b.network).items("publicipaddress")[0]
	b.ip, b.address = ip["id"].(string), ip["ipaddress"].(string)
	b.route()
	return b
}

func (b *balanced) addVM(name, address string) {
	id := putVM(b.t, b.Cloud, "admin", b.network, name, address)
	b.farm.add(id, newWebMachine(b.t, name))
	b.vms = append(b.vms, id)
}

// route gives the network a running router, as its first real machine would.
func (b *balanced) route() {
	b.t.Helper()
	err := b.update(b.t.Context(), func(c *Call) error {
		n, _ := c.Networks.Get(b.network)
		n.State = NetworkImplemented
		c.Networks.Put(n)
		c.Routers.Put(Router{Base: c.Routers.NewBase(), Owner: n.Owner, NetworkID: n.ID, State: VMRunning, Name: "r-4-VM"})
		c.NetworkChanged(n.ID)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// job runs a command as admin and returns its job's result, failed or not.
func (b *balanced) job(command string, kv ...string) result {
	b.t.Helper()
	return await(b.t, b.Cloud, "admin", must(b.t, b.Cloud, "admin", command, kv...))
}

func (b *balanced) ok(command string, kv ...string) result {
	b.t.Helper()
	return mustJob(b.t, b.Cloud, "admin", command, kv...)
}

// rule makes a load balancer rule and returns its id.
func (b *balanced) rule(port string, kv ...string) string {
	b.t.Helper()
	args := append([]string{"name", "lb", "publicipid", b.ip, "publicport", port, "privateport", "80", "algorithm", "roundrobin", "protocol", "tcp"}, kv...)
	return b.ok("createLoadBalancerRule", args...).object("loadbalancer")["id"].(string)
}

// at is where a client connects for a public port.
func (b *balanced) at(port string) string {
	public := net.JoinHostPort(b.address, port)
	if mapped, ok := b.Status().Public[public]; ok {
		return mapped
	}
	return public
}

// fetch says what one request with a connection of its own gets.
func (b *balanced) fetch(port string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Get("http://" + b.at(port))
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case err != nil:
		return "cut"
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 200 {
		return resp.Status
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func (b *balanced) ruleState(id string) string {
	b.t.Helper()
	return must(b.t, b.Cloud, "admin", "listLoadBalancerRules", "id", id).items("loadbalancerrule")[0]["state"].(string)
}
