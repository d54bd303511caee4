// Package cloudsim is a cloud that speaks the CloudStack API, embedded in this program: accounts, networks, machines with
// files and services, load balancers and autoscale groups, without a data centre. It stands in for a real management server,
// so it must not share code with the client: it imports nothing of this project outside internal/cloudsim.
//
// # How a call runs
//
// front.go verifies a request and finds its command; params.go does the checks all commands share, from the API table
// (package apitable); then the command's handler runs under the cloud's one lock, inside a transaction over the store
// (store_*.go: one typed table per kind of row). An error undoes the transaction. What was changed is on disk (wal.go) before
// the answer is sent.
//
// # Adding a command
//
// Write a handler and put it in the family's table (the one literal map of its file, for example networkCommands); a new
// family's map goes into allCommands in commands.go. A command of the API table without a handler answers 432.
//
//	"listThings":  {run: listThings, id: kindThing},
//	"createThing": {start: startThing, job: createThingJob, creates: true, queue: networkQueue, event: "THING.CREATE"},
//
//	func listThings(c *Call) (any, error) {
//		rows, err := Visible(c, c.Things.Where(func(t Thing) bool { return c.Str("id") == "" || t.ID == c.Str("id") }))
//		if err != nil { return nil, err }
//		return Listing("thing", rows, c.thingResponse), nil        // paging, count, {} when empty: done for you
//	}
//
// A synchronous handler returns Obj{"thing": c.thingResponse(t)}. An asynchronous one has two halves: start checks, makes the
// row and returns its id; job does the rest after the command's latency (latency.go) and returns Obj{"thing": …} or Success().
//   - Params: c.Str, c.Or, c.Int, c.Bool, c.List, c.Map, c.Maps. Required, types, lengths, unknown ids: already checked.
//     Say the kind of "id" with id:, of unusual parameters with kinds:.
//   - Rows are values: t, ok := c.Things.Get(id); t.State = "X"; c.Things.Put(t). New ones start with c.Things.NewBase().
//     Delete forgets a row; setting Removed keeps it for Any (then the generic check still lets its id through).
//   - Errors: Invalid (431/4350), BadParam (431/9999), Denied, Internal (530/4250), RuleConflict, Fail(code, cs, …).
//   - Rights: c.Own(row.Owner) for entities named by id, Visible for lists, c.NewOwner for what is created.
//   - Slow work in a job: c.Unlocked(func(ctx) error) or c.Wait(c.Scaled(d)); both commit first, so read rows again
//     afterwards. After a kill the job runs again from its start: make it idempotent, c.Note and c.Noted remember things.
//   - c.NetworkChanged(id) tells the data plane after the commit; c.AfterCommit runs anything else then.
//   - Parts that live beside the API (guests, plane, autoscale) implement service and are listed in newServices.
package cloudsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
	"github.com/moldctl/moldctl/internal/cloudsim/content"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// Options say how a cloud runs. The zero value is a cloud in memory, on free loopback ports, whose jobs end at once.
type Options struct {
	Dir         string  // data folder; "" keeps everything in memory
	Listen      string  // API address; default 127.0.0.1:0
	Admin       string  // admin API address; default 127.0.0.1:0
	Integration string  // address of the API without signatures, as the setting integration.api.port opens it; default none
	Latency     Latency // default zero
	TimeScale   float64 // how many times faster than real time the clock runs; default 1
	Clock       Clock   // overrides TimeScale
	Flavor      Flavor  // default both
	// Content is what is there at first start and after a reset; default content.Default.
	Content *content.File
	// ContentFile is where it is read from, if Content is nil.
	ContentFile string
	// PublicRange, as a prefix, and Zone replace the public addresses and the name of the content's first zone.
	PublicRange string
	Zone        string
	// UserKeys fix the credentials of accounts at first start, by account name ("admin", "user"); default random.
	UserKeys map[string]Keys
	// AllowUserExpunge is the setting allow.user.expunge.recover.vm at first start.
	AllowUserExpunge bool

	// Fidelity tells whether the original's odd behaviours are kept; default strict.
	Fidelity Fidelity
	// Throttle is how many calls an account may make in a second, root administrators excepted; 0: as the settings say.
	Throttle int

	// Latencies overrides the latency model for single commands.
	Latencies map[string]time.Duration

	Guard  func(command string, params Params) error // refuses a mutating call by an error (530)
	Before func(command string, params Params)       // called before each mutating call is processed
	After  func(AuditEntry)                          // called after it, before its answer is sent
	Log    func(format string, args ...any)          // default: nothing is logged

	machines func(vmID string) (machine, bool) // stands in for the guests in tests
	commands map[string]command                // and these for commands
}

// Cloud is a running cloud.
type Cloud struct {
	opts       Options
	clock      Clock
	table      apitable.Table
	commands   map[string]command
	settings   []content.Setting
	eventTypes []string
	token      string
	ctx        context.Context
	cancel     context.CancelFunc
	stopped    chan struct{}
	stopOnce   sync.Once

	faults    faults
	sessions  sessions
	visitors  visitors
	throttle  throttle
	auditGrew signal
	services  []service
	plane     PlaneNotifier
	loader    Loader
	scaler    *scalerService
	guests    *guestFarm
	timetable *timetable
	seeded    map[string]*vfs.Disk // images that the start content made in memory

	api, admin *http.Server
	integrated *http.Server // nil unless it was asked for
	apiAddr    string
	adminAddr  string
	openAddr   string // of the API without signatures
	serving    sync.WaitGroup
	lock       *os.File

	// gate is held for reading by whoever uses the cloud, and for writing by Reset, which replaces services and jobs.
	gate sync.RWMutex

	// mu guards the store and everything reached through a Call.
	mu    sync.Mutex
	store *store
	jobs  *scheduler
}

// Start starts a cloud. It serves when Start returns, and until Close.
func Start(ctx context.Context, opts Options) (*Cloud, error) {
	opts = withDefaults(opts)
	table, err := apitable.Load()
	if err != nil {
		return nil, err
	}
	if err := opts.check(table); err != nil {
		return nil, err
	}
	c := &Cloud{opts: opts, clock: opts.Clock, table: table, commands: allCommands(), stopped: make(chan struct{})}
	if err := errors.Join(content.Read("configurations", &c.settings), content.Read("event-types", &c.eventTypes)); err != nil {
		return nil, err
	}
	maps.Copy(c.commands, opts.commands)
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := c.open(); err != nil {
		c.cancel()
		return nil, err
	}
	c.jobs = newScheduler(c.ctx, c)
	c.services = newServices(c)
	for _, s := range c.services {
		if err := s.Start(c.ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	c.jobs.resume()
	if err := c.serve(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func withDefaults(o Options) Options {
	o.Listen = valueOr(o.Listen, "127.0.0.1:0")
	o.Admin = valueOr(o.Admin, "127.0.0.1:0")
	if o.Latency == "" {
		o.Latency = LatencyZero
	}
	if o.Fidelity == "" {
		o.Fidelity = FidelityStrict
	}
	if o.Flavor == "" {
		o.Flavor = FlavorBoth
	}
	if o.Clock == nil {
		o.Clock = SystemClock(o.TimeScale)
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	return o
}

// open reads the data folder, or makes the start content.
func (c *Cloud) open() error {
	c.store = newStore(c.clock)
	if c.opts.Dir != "" {
		if err := os.MkdirAll(c.opts.Dir, 0o700); err != nil {
			return fmt.Errorf("make the cloud's folder: %w", err)
		}
		if err := c.lockDir(); err != nil {
			return err
		}
		w, err := openWAL(c.opts.Dir, c.store)
		if err != nil {
			return errors.Join(err, c.unlockDir())
		}
		c.store.wal = w
		trimLogs(c.store)
		if system, ok := c.clock.(*systemClock); ok {
			system.notBefore(lastMoment(c.store))
		}
	}
	token, err := loadToken(c.opts.Dir)
	if err != nil {
		return errors.Join(err, c.closeStore())
	}
	c.token = token
	if c.store.Zones.Len() == 0 {
		if err := c.seed(); err != nil {
			return errors.Join(err, c.closeStore())
		}
	}
	if c.store.ACLLists.Len() == 0 {
		seedACLs(c.store)
	}
	if c.store.Roles.Len() == 0 { // a folder of a cloud that had none
		if err := seedRoles(c.store); err != nil {
			return errors.Join(err, c.closeStore())
		}
	}
	seq, err := c.store.commit()
	if err := c.settle(seq, err); err != nil {
		return errors.Join(err, c.closeStore())
	}
	return nil
}

func (c *Cloud) closeStore() error {
	if c.store.wal == nil {
		return nil
	}
	return errors.Join(c.store.wal.close(), c.unlockDir())
}

func (c *Cloud) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/client/api", c.serveAPI)
	var lc net.ListenConfig
	apiListener, err := lc.Listen(ctx, "tcp", c.opts.Listen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	adminListener, err := lc.Listen(ctx, "tcp", c.opts.Admin)
	if err != nil {
		apiListener.Close()
		return fmt.Errorf("listen for the admin API: %w", err)
	}
	c.apiAddr, c.adminAddr = apiListener.Addr().String(), adminListener.Addr().String()
	c.api = newServer(mux)
	c.admin = newServer(c.adminHandler())
	c.serving.Go(func() { c.logServe(c.api.Serve(apiListener)) })
	c.serving.Go(func() { c.logServe(c.admin.Serve(adminListener)) })
	return c.serveIntegration(ctx)
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
}

func (c *Cloud) logServe(err error) {
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		c.opts.Log("the cloud stopped serving: %v", err)
	}
}

// Close stops the cloud. Jobs that run stay pending and go on at the next start on the same folder.
func (c *Cloud) Close() {
	c.stopOnce.Do(func() {
		c.cancel()
		if c.api != nil {
			c.api.Close()
			c.closeIntegration()
			c.closeAdmin()
		}
		c.serving.Wait()
		c.jobs.close()
		for i := len(c.services) - 1; i >= 0; i-- {
			c.services[i].Stop()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.closeStore(); err != nil {
			c.opts.Log("close the cloud's data: %v", err)
		}
		close(c.stopped)
	})
}

// closeAdmin lets the answer to the request that asked for the stop out before it closes the admin API.
func (c *Cloud) closeAdmin() {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if c.admin.Shutdown(ctx) != nil {
		c.admin.Close()
	}
}

// stopRequested is the admin API's stop: Close must not wait for the request that asked for it.
func (c *Cloud) stopRequested() { go c.Close() }

// Done is closed once the cloud is stopped.
func (c *Cloud) Done() <-chan struct{} { return c.stopped }

// Endpoint is the URL clients are given.
func (c *Cloud) Endpoint() string { return "http://" + c.apiAddr + "/client/api" }

// AdminURL is the root of the admin API; its requests need "Authorization: Bearer <Token>".
func (c *Cloud) AdminURL() string { return "http://" + c.adminAddr }

// Token is the admin API's token.
func (c *Cloud) Token() string { return c.token }

// Keys are the credentials of an account's first user; ok is false for an unknown account.
func (c *Cloud) Keys(account string) (keys Keys, ok bool) {
	keys, ok = c.Status().Keys[account]
	return keys, ok
}

// AddFault arms a fault.
func (c *Cloud) AddFault(f Fault) (Fault, error) {
	if _, known := c.commands[f.Command]; f.Command != "" && f.Command != "*" && c.table[f.Command] == nil && !known {
		return Fault{}, fmt.Errorf("command %q: there is no such command", f.Command)
	}
	return c.faults.add(f)
}

// Faults are the armed faults with their counts.
func (c *Cloud) Faults() []Fault { return c.faults.all() }

// RemoveFault disarms a fault, or all with "", and releases what it holds.
func (c *Cloud) RemoveFault(id string) int { return c.faults.remove(id) }

// Status describes the cloud.
func (c *Cloud) Status() Status {
	c.gate.RLock()
	defer c.gate.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Endpoint: c.Endpoint(), Flavor: c.opts.Flavor, Fidelity: c.opts.Fidelity, Throttle: c.opts.Throttle, Keys: make(map[string]Keys), PID: os.Getpid(), Dir: c.opts.Dir,
		Latency: c.opts.Latency, Counts: make(map[string]int)}
	for u := range c.store.Users.All() {
		a, ok := c.store.Accounts.Get(u.AccountID)
		if _, known := s.Keys[a.Name]; ok && !known && u.APIKey != "" {
			s.Keys[a.Name] = Keys{APIKey: u.APIKey, SecretKey: u.SecretKey}
			if a.Type == AccountAdmin && s.Administrator == "" {
				s.Administrator = a.Name
			}
		}
	}
	for z := range c.store.Zones.All() {
		s.Zone = z.Name
	}
	s.Counts["networks"] = c.store.Networks.Len()
	s.Counts["virtualmachines"] = c.store.VMs.Len()
	s.Counts["volumes"] = c.store.Volumes.Len()
	s.Counts["loadbalancerrules"] = c.store.LBRules.Len()
	s.Counts["autoscalevmgroups"] = c.store.AutoScaleGroups.Len()
	s.Counts["publicipaddresses"] = len(c.store.PublicIPs.Where(func(p PublicIP) bool { return p.State != IPFree }))
	if m, ok := c.plane.(AddressMap); ok {
		s.Public = m.PublicMap()
	}
	return s
}
