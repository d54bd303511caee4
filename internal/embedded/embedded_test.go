package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/embedded"
)

// serveVariable makes the test binary act as a process that serves a cloud.
const serveVariable = "EMBEDDED_TEST_SERVE"

func TestMain(m *testing.M) {
	role := os.Getenv(serveVariable)
	var err error
	switch {
	case len(os.Args) < 2 || os.Args[1] != "serve":
		os.Exit(m.Run())
	case role == "fail":
		err = errors.New("no room for a cloud here")
	default:
		err = serveDouble(os.Args[2])
	}
	if errors.Is(err, errTaken) {
		os.Exit(embedded.ExitInUse)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errTaken = errors.New("another double runs on this folder")

// take locks a folder as a cloud does, for as long as the file is open.
func take(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "taken"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errTaken, err, file.Close())
	}
	return file, nil
}

// serveDouble is the least a cloud does: status, reset, load, audit, stop.
func serveDouble(dir string) error {
	if os.Getenv("MOLD_SECRET_KEY") != "" {
		return errors.New("the cloud was handed the keys of another")
	}
	taken, err := take(dir)
	if err != nil {
		return err
	}
	defer taken.Close()
	keys := "first"
	done := make(chan struct{})
	mux := http.NewServeMux()
	answer := func(path string, reply func() any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer token" {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			if err := json.NewEncoder(w).Encode(reply()); err != nil {
				panic(err)
			}
		})
	}
	answer("GET /status", func() any {
		return map[string]any{"pid": os.Getpid(), "zone": "zone-1", "keys": map[string]any{"admin": map[string]string{"apikey": keys, "secretkey": keys}}}
	})
	answer("POST /reset", func() any { keys = "fresh"; return nil })
	answer("POST /load", func() any { return map[string]int{"machines": 2} })
	answer("GET /audit", func() any { return []map[string]string{{"command": "createNetwork"}} })
	answer("POST /stop", func() any { close(done); return nil })
	server := httptest.NewServer(mux)
	err = embedded.Announce(dir, embedded.Process{
		PID: os.Getpid(), Endpoint: server.URL + "/client/api", Admin: server.URL, Token: "token", Account: "admin", APIKey: keys, SecretKey: keys,
	})
	if err != nil {
		return err
	}
	<-done
	server.Close()
	return embedded.Withdraw(dir)
}

func command(dir string) []string { return []string{os.Args[0], "serve", dir} }

// start starts the double in a folder and stops it when the test ends.
func start(t *testing.T, dir string) *embedded.Process {
	t.Helper()
	p, started, err := embedded.Start(t.Context(), dir, command(dir))
	if err != nil {
		t.Fatal(err)
	}
	if !started {
		t.Error("it ran already")
	}
	t.Cleanup(func() {
		if p, err := embedded.Announced(dir); err == nil {
			if err := p.Stop(context.Background()); err != nil && !errors.Is(err, embedded.ErrNotRunning) {
				t.Error(err)
			}
		}
	})
	return p
}

func TestTheLifeOfACloud(t *testing.T) {
	t.Setenv("MOLD_SECRET_KEY", "of another cloud")
	dir := filepath.Join(t.TempDir(), "cloud")
	if _, err := embedded.Find(t.Context(), dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Fatalf("Find = %v before the start", err)
	}
	p := start(t, dir)
	again, started, err := embedded.Start(t.Context(), dir, command(dir))
	if err != nil || started || again.PID != p.PID {
		t.Errorf("a second start: %v, %t, %v", again, started, err)
	}
	if n, err := p.SetLoad(t.Context(), embedded.Load{VM: "a", CPU: 90}); n != 2 || err != nil {
		t.Errorf("SetLoad = %d, %v", n, err)
	}
	if entries, err := p.Audit(t.Context()); err != nil || len(entries) != 1 || !strings.Contains(string(entries[0]), "createNetwork") {
		t.Errorf("Audit = %s, %v", entries, err)
	}
	if err := p.Reset(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if now, err := embedded.Find(t.Context(), dir); err != nil || now.APIKey != "fresh" || now.SecretKey != "fresh" {
		t.Errorf("after the reset %v, %v; want the fresh keys", now, err)
	}
	for _, name := range []string{"process.json", "cloud.log", "start.lock"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", *p, *p, *p); strings.Contains(text, "token") || strings.Contains(text, "first") {
		t.Errorf("%q tells a key", text)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Find(t.Context(), dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("Find = %v after the stop", err)
	}
}

func TestAKilledCloudIsStartedAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Announced(dir); err != nil {
		t.Errorf("Announced = %v: the next one must find the former addresses", err)
	}
	if next := start(t, dir); next.PID == p.PID {
		t.Error("the dead one was found")
	}
}

func TestManyStartsMakeOneCloud(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	var mu sync.Mutex
	pids, starts := map[int]bool{}, 0
	for range 5 {
		group.Go(func() {
			p, started, err := embedded.Start(t.Context(), dir, command(dir))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			pids[p.PID] = true
			if started {
				starts++
			}
		})
	}
	group.Wait()
	if len(pids) != 1 || starts != 1 {
		t.Errorf("%d clouds, %d starts", len(pids), starts)
	}
	p, err := embedded.Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACloudThatDoesNotStartSaysWhy(t *testing.T) {
	t.Setenv(serveVariable, "fail")
	dir := t.TempDir()
	_, _, err := embedded.Start(t.Context(), dir, command(dir))
	for _, want := range []string{"no room for a cloud here", "cloud.log"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start = %v, want %q", err, want)
		}
	}
}

func TestAnotherProgramAtTheAddressIsNoCloud(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, handler := range map[string]http.HandlerFunc{
		"page":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"other": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"pid": 1}`) },
		"none":  http.NotFound,
	} {
		server := httptest.NewServer(handler)
		if err := embedded.Announce(dir, embedded.Process{PID: 2, Admin: server.URL}); err != nil {
			t.Fatal(err)
		}
		if _, err := embedded.Find(t.Context(), dir); !errors.Is(err, embedded.ErrNotRunning) {
			t.Errorf("%s: Find = %v, want ErrNotRunning", name, err)
		}
		server.Close()
	}
}

func TestConfigIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cloud")
	c, err := embedded.ReadConfig(dir)
	if err != nil || !c.Equal(embedded.DefaultConfig()) {
		t.Errorf("ReadConfig = %+v, %v", c, err)
	}
	c.Latency, c.TimeScale = "real", 20
	if err := embedded.WriteConfig(dir, c); err != nil {
		t.Fatal(err)
	}
	if got, err := embedded.ReadConfig(dir); err != nil || !got.Equal(c) {
		t.Errorf("ReadConfig = %+v, %v, want %+v", got, err, c)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.ReadConfig(dir); err == nil {
		t.Error("a damaged file was read")
	}
}

// TestAStartAfterAKilledStart finds the folder taken by a cloud that nobody
// knows of: one that serves a moment later is used, one that ends is followed.
func TestAStartAfterAKilledStart(t *testing.T) {
	t.Parallel()
	t.Run("it serves", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		p := start(t, dir)
		announced := filepath.Join(dir, "process.json")
		if err := os.Rename(announced, announced+".later"); err != nil {
			t.Fatal(err)
		}
		later := time.AfterFunc(200*time.Millisecond, func() {
			if err := os.Rename(announced+".later", announced); err != nil {
				t.Error(err)
			}
		})
		defer later.Stop()
		found, started, err := embedded.Start(t.Context(), dir, command(dir))
		if err != nil || started || found.PID != p.PID {
			t.Errorf("Start = %v, %t, %v; want %v, which runs", found, started, err, p)
		}
	})
	t.Run("it ends", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		taken, err := take(dir)
		if err != nil {
			t.Fatal(err)
		}
		later := time.AfterFunc(200*time.Millisecond, func() {
			if err := taken.Close(); err != nil {
				t.Error(err)
			}
		})
		defer later.Stop()
		start(t, dir)
	})
}
