package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/cloudsim"
)

// site is a user's folder with a stack, and a cloud inside the test.
type site struct {
	t     *testing.T
	dir   string
	cloud *cloudsim.Cloud
	keys  cloudsim.Keys
}

func newSite(t *testing.T, account, stack string, options cloudsim.Options) *site {
	t.Helper()
	cloud, err := cloudsim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	s := &site{t: t, dir: t.TempDir(), cloud: cloud}
	s.keys, _ = cloud.Keys(account)
	if err := os.WriteFile(filepath.Join(s.dir, "spec.hcl"), []byte(stack), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// program is a moldctl under way.
type program struct {
	*site
	cmd   *exec.Cmd
	said  *os.File
	ended chan error
}

// heard tells what the program has printed so far.
func (p *program) heard() string {
	p.t.Helper()
	text, err := os.ReadFile(p.said.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (s *site) begin(args ...string) *program {
	s.t.Helper()
	said, err := os.CreateTemp(s.t.TempDir(), "said")
	if err != nil {
		s.t.Fatal(err)
	}
	p := &program{site: s, cmd: exec.Command("moldctl", args...), said: said, ended: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.dir, said, said
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "NO_COLOR=1", "MOLD_TIMEOUT=5s",
		"MOLD_API_URL=" + s.cloud.Endpoint(), "MOLD_API_KEY=" + s.keys.APIKey, "MOLD_SECRET_KEY=" + s.keys.SecretKey,
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended <- errors.Join(p.cmd.Wait(), said.Close())
	}()
	s.t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // usually it is gone
		<-done
	})
	return p
}

// wait returns the exit code.
func (p *program) wait(limit time.Duration) int {
	p.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatal(err)
		}
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		p.t.Fatalf("moldctl did not end within %s", limit)
		return -1
	}
}

// run runs moldctl to its end and checks its exit code.
func (s *site) run(want int, args ...string) string {
	s.t.Helper()
	p := s.begin(args...)
	if got := p.wait(3 * time.Minute); got != want {
		s.t.Fatalf("moldctl %s ended with %d, want %d:\n%s", strings.Join(args, " "), got, want, p.heard())
	}
	return p.heard()
}

// within waits for a condition.
func (s *site) within(limit time.Duration, what string, is func() bool) {
	s.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-timer.C:
			s.t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// count is how many calls of a command the cloud has carried out.
func (s *site) count(command string) int {
	n := 0
	for _, e := range s.cloud.Audit() {
		if e.Command == command && e.Status == http.StatusOK {
			n++
		}
	}
	return n
}

// calls are the calls that the state knows, of operations that are under way
// and of objects.
func (s *site) calls() map[string]state.Call {
	s.t.Helper()
	store, err := state.OpenSQLite(s.t.Context(), filepath.Join(s.dir, ".moldctl", "state.db"), state.Options{
		ReadOnly: true, Keys: state.KeyFile{Path: filepath.Join(s.dir, ".config", "moldctl", "keys", "local.key")},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	snap, err := store.Snapshot(context.WithoutCancel(s.t.Context()))
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]state.Call{}
	for _, op := range snap.Operations {
		for _, c := range op.Calls {
			out[c.Command] = c
		}
	}
	for _, o := range snap.Objects {
		for _, c := range o.Pending {
			out[c.Command] = c
		}
	}
	return out
}

const twoNetworks = `
resource "network" "a" {
  name = "a"
}
resource "network" "b" {
  name       = "b"
  depends_on = [network.a]
}
`

// TestDurableAfterSignals interrupts an apply while its first call is with the
// cloud, and cuts the power, in effect, as soon as it has said that it heard: by
// then the state must hold all that the next run needs to make nothing twice.
func TestDurableAfterSignals(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]syscall.Signal{
		"once":    {syscall.SIGINT},
		"twice":   {syscall.SIGINT, syscall.SIGINT},
		"thrice":  {syscall.SIGINT, syscall.SIGINT, syscall.SIGINT},
		"SIGTERM": {syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "admin", twoNetworks, cloudsim.Options{})
			if _, err := s.cloud.AddFault(cloudsim.Fault{Command: "createNetwork", Where: "after", Kind: "hold"}); err != nil {
				t.Fatal(err)
			}
			p := s.begin("apply", "--auto-approve")
			s.within(30*time.Second, "the call is held", func() bool {
				select {
				case <-p.ended:
					t.Fatalf("it ended before:\n%s", p.heard())
				default:
				}
				return s.cloud.Faults()[0].Held == 1
			})
			for i, signal := range signals {
				if err := syscall.Kill(p.cmd.Process.Pid, signal); err != nil {
					t.Fatal(err)
				}
				// Two signals at one moment would count as one. A program that was cancelled may be gone before
				// it hears that it is to leave.
				want := []string{"nothing new is begun", "cancelling", "leaving"}[i]
				s.within(30*time.Second, "it says: "+want, func() bool {
					return strings.Contains(p.heard(), want) || want == "leaving" && len(p.ended) == 1
				})
			}
			if c, ok := s.calls()["createNetwork"]; !ok || c.State != state.CallOpen {
				t.Errorf("the call under way stands in the state as %+v, want it open", c)
			}
			if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
			p.wait(10 * time.Second)
			s.cloud.RemoveFault("")
			s.run(exitOK, "apply", "--auto-approve")
			s.run(exitOK, "plan", "--detailed-exitcode")
			if n := s.count("createNetwork"); n != 2 {
				t.Errorf("%d networks were made, want two", n)
			}
		})
	}
}
