// Package cloudtest starts clouds inside tests: CloudStack's API with accounts, networks, machines that boot, load balancers
// and autoscaling, in the test's own process and memory, in milliseconds.
//
//	func TestMyTool(t *testing.T) {
//		cloud := cloudtest.Start(t, cloudtest.Options{})
//		key := cloud.Keys("admin")
//		mytool.Run(cloud.Endpoint, key.API, key.Secret)
//		cloud.Fail(cloudtest.Fault{Command: "createNetwork", Kind: cloudtest.Status, Status: 503})
//		…
//		for _, c := range cloud.Audit() { … }
//	}
//
// The cloud ends with the test. Clouds of parallel tests do not touch each other: each has ports and public addresses of its own.
//
// It is the one package of the sdk that imports internal/cloudsim, so that a test needs no binary. Nothing of the sdk may
// import it outside of tests.
package cloudtest

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// Options say how a cloud runs. The zero value is one that a test wants: jobs end at once, both signatures are taken, all of
// CloudStack's odd behaviours are there.
type Options struct {
	Content     string // start content as YAML (moldctl cloud content); "" is the default
	ContentFile string // the same as a file
	Latency     string // zero (default), fast or real
	Flavor      string // both (default), cloudstack or mold
	Fidelity    string // strict (default) or ideal
	Throttle    int    // calls an account may make in a second; 0 is without limit
	Dir         string // keeps the cloud's data, for tests that start it again; default memory

	// ManualClock makes time stand still but for Advance. Whatever takes time (latencies, health checks, autoscaling, boots)
	// then waits for it. Without it the clock runs, and Advance moves it forward.
	ManualClock bool
	TimeScale   float64                  // how many times faster than real time the clock runs
	Latencies   map[string]time.Duration // of single commands
	Log         func(format string, args ...any)
}

// Cloud is a running cloud. Its methods may be called at the same time.
type Cloud struct {
	Endpoint string // URL of the API
	Admin    string // URL of the admin API and of the dashboard
	Token    string // of the admin API

	t     testing.TB
	cloud *cloudsim.Cloud
}

// Keys are the credentials of an account's first user.
type Keys struct{ API, Secret string }

// Start starts a cloud that ends with the test. A cloud that does not start fails the test.
func Start(t testing.TB, o Options) *Cloud {
	t.Helper()
	options := cloudsim.Options{Dir: o.Dir, ContentFile: o.ContentFile, Latency: cloudsim.Latency(o.Latency), Flavor: cloudsim.Flavor(o.Flavor),
		Fidelity: cloudsim.Fidelity(o.Fidelity), Throttle: o.Throttle, TimeScale: o.TimeScale, Latencies: o.Latencies, Log: o.Log}
	if o.Content == "" && o.ContentFile == "" {
		options.PublicRange = ownRange(t.Name())
	}
	if o.Content != "" {
		file, err := content.Parse("content.yaml", []byte(o.Content))
		if err != nil {
			t.Fatalf("start a cloud: %v", err)
		}
		options.Content = file
	}
	if o.ManualClock {
		options.Clock = cloudsim.NewManualClock(time.Now())
	}
	cloud, err := cloudsim.Start(context.Background(), options)
	if err != nil {
		t.Fatalf("start a cloud: %v", err)
	}
	t.Cleanup(cloud.Close)
	return &Cloud{Endpoint: cloud.Endpoint(), Admin: cloud.AdminURL(), Token: cloud.Token(), t: t, cloud: cloud}
}

// started counts the clouds of this process.
var started atomic.Uint32

// ownRange is a range of public addresses that other clouds of this process, and very likely those of other processes, do
// not use: 2^20 addresses of 127.128.0.0/9 in blocks of 512.
func ownRange(name string) string {
	h := fnv.New32a()
	fmt.Fprint(h, os.Getpid(), name) //nolint:errcheck // a hash never fails
	block := (h.Sum32() + started.Add(1)*2654435761) % (1 << 14)
	return fmt.Sprintf("127.%d.%d.0/23", 128+block>>7, block<<1&0xff)
}

// Stop ends the cloud before the test does, as a test of a restart on the same Dir needs.
func (c *Cloud) Stop() { c.cloud.Close() }

// Keys returns the keys of an account; the default content has "admin" and "user". An unknown account fails the test.
func (c *Cloud) Keys(account string) Keys {
	c.t.Helper()
	k, ok := c.cloud.Keys(account)
	if !ok {
		c.t.Fatalf("the cloud has no account %q with keys", account)
	}
	return Keys{k.APIKey, k.SecretKey}
}

// Zone is the name of the first zone.
func (c *Cloud) Zone() string { return c.cloud.Inventory().Zones[0] }

// Reset throws everything away and starts anew, with fresh keys unless the content fixes them.
func (c *Cloud) Reset() {
	c.t.Helper()
	if err := c.cloud.Reset(context.Background()); err != nil {
		c.t.Fatalf("reset the cloud: %v", err)
	}
}

// Now is the cloud's time.
func (c *Cloud) Now() time.Time { return c.cloud.Inventory().Now }

// Advance moves the cloud's clock forward; what is due then happens.
func (c *Cloud) Advance(d time.Duration) {
	c.t.Helper()
	if err := c.cloud.Advance(d); err != nil {
		c.t.Fatalf("advance the cloud's clock: %v", err)
	}
}

// SetLoad makes a machine (by name or id) look busy, in percent of its CPU; below 0 its real load counts again.
func (c *Cloud) SetLoad(vm string, percent float64) {
	c.t.Helper()
	if _, err := c.cloud.SetLoad(cloudsim.Load{VM: vm, CPU: percent}); err != nil {
		c.t.Fatalf("set the load of %s: %v", vm, err)
	}
}
