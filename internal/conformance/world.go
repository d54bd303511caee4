package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/internal/apidouble"
	"github.com/moldctl/moldctl/internal/cloudsim"
)

// world is one cloud, and one folder with one stack and its state.
type world struct {
	*kit
	dir     string
	cloud   *cloudsim.Cloud
	api     *apidouble.Double // of a plugin that talks to an API of its own
	block   string            // that configures the plugin
	account string
	inside  bool // the plugin needs no process of its own

	mu      sync.Mutex
	watch   bool     // calls are the stack's
	calls   []string // mutating calls since watch was set
	strike  strike
	struck  bool
	output  []string // of plugins, and what users are told
	secrets []string // what must not be in the output
}

// strike says at which mutating call the plugin is killed.
type strike struct {
	at    int  // from 1; 0 is never
	after bool // once the cloud has acted, rather than before
}

// world makes a cloud in memory and an empty folder.
func (k *kit) world(ctx context.Context) (*world, error) {
	k.mu.Lock()
	k.worlds++
	n := k.worlds
	k.mu.Unlock()
	w := &world{kit: k, dir: filepath.Join(k.scratch, strconv.Itoa(n)), account: "admin"}
	if err := os.MkdirAll(filepath.Join(w.dir, "stack"), 0o700); err != nil {
		return nil, fmt.Errorf("make a folder to test in: %w", err)
	}
	var err error
	w.cloud, err = cloudsim.Start(ctx, cloudsim.Options{
		Latency: cloudsim.LatencyZero, TimeScale: 20, AllowUserExpunge: true,
		PublicRange: "127.67.0.0/16", // not that of the user's own embedded cloud
		Guard: func(command string, _ cloudsim.Params) error {
			if w.overHTTP() {
				return nil
			}
			return w.called(command)
		},
		After: func(cloudsim.AuditEntry) {
			if !w.overHTTP() {
				w.done()
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("start a cloud to test on: %w", err)
	}
	for _, account := range []string{"admin", "user"} {
		keys, _ := w.cloud.Keys(account)
		w.secrets = append(w.secrets, keys.SecretKey, keys.APIKey)
	}
	if w.overHTTP() {
		if err := w.double(); err != nil {
			w.cloud.Close()
			return nil, err
		}
	}
	return w, nil
}

func (w *world) close() {
	if err := w.closed(); err != nil {
		w.tell(err.Error())
	}
}

// errKilled is the cloud's answer to a call whose sender was just killed.
var errKilled = errors.New("the sender of this call was killed")

// called is told of each mutating call before the cloud acts.
func (w *world) called(command string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.watch {
		return nil
	}
	w.calls = append(w.calls, command)
	if w.strike.at == len(w.calls) && !w.strike.after && !w.struck {
		return errors.Join(errKilled, w.kill())
	}
	return nil
}

// done is told of each mutating call once the cloud has acted, before its
// answer is sent.
func (w *world) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watch && w.strike.after && w.strike.at > 0 && len(w.calls) >= w.strike.at && !w.struck {
		if err := w.kill(); err != nil {
			w.output = append(w.output, err.Error())
		}
	}
}

// kill ends the process of the plugin under test as a crash would.
func (w *world) kill() error {
	w.struck = true
	text, err := os.ReadFile(w.pidFile())
	if err != nil {
		return fmt.Errorf("find the plugin's process: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("find the plugin's process: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the plugin's process: %w", err)
	}
	return nil
}

func (w *world) pidFile() string { return filepath.Join(w.dir, "pid") }

// sources are the plugin under test and those that stand by. The one under
// test writes down its process id, so that it can be killed.
func (w *world) sources() []pluginhost.Source {
	own := w.subject.Source
	if w.inside && w.subject.Inside != nil {
		own.Dial = w.subject.Inside
		return append([]pluginhost.Source{own}, w.subject.Others...)
	}
	own.Command = append([]string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, w.pidFile()}, own.Command...)
	return append([]pluginhost.Source{own}, w.subject.Others...)
}

// arm sets the next strike, and counts calls from here.
func (w *world) arm(s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch, w.calls, w.strike, w.struck = true, nil, s, false
}

// disarm ends counting and returns the calls that came, and whether the strike
// came.
func (w *world) disarm() (calls []string, struck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch, w.strike = false, strike{}
	return w.calls, w.struck
}

// tell collects what users and logs are told.
func (w *world) tell(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.output = append(w.output, text)
}

// leaked is the first secret that was told.
func (w *world) leaked() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.output {
		for _, s := range w.secrets {
			if len(s) >= 6 && strings.Contains(line, s) {
				return fmt.Errorf("a secret of %d characters is in this text: %s", len(s), strings.ReplaceAll(line, s, "(sensitive)"))
			}
		}
	}
	return nil
}
