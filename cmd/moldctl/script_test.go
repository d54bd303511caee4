package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/embedded"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"moldctl": main})
}

// TestScripts runs what a user would type. Each script has an embedded cloud of
// its own, which is stopped at its end.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		Setup:               setUp,
		WorkdirRoot:         t.TempDir(), // removed with everything in it
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"kill-cloud": killCloud,
			"kill-at":    killAt,
			"hold":       hold,
			"web":        web,
			"times":      times,
			"fetch":      fetch,
			"truncated":  truncated,
		},
	})
}

// setUp gives a script a home and the folder of a cloud whose jobs end at once.
func setUp(env *testscript.Env) error {
	home, cloud := filepath.Join(env.WorkDir, "home"), filepath.Join(env.WorkDir, "cloud")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", "")
	env.Setenv("MOLDCTL_CLOUD_DIR", cloud)
	env.Setenv("NO_COLOR", "1")
	stacks, err := filepath.Abs(filepath.Join("..", "..", "testdata", "stacks", "good"))
	if err != nil {
		return err
	}
	env.Setenv("STACKS", stacks)
	env.Defer(func() {
		if err := stopCloud(cloud); err != nil {
			env.T().Log(fmt.Sprintf("stop the cloud in %s: %v", cloud, err))
		}
	})
	config := embedded.DefaultConfig()
	config.Latency = "zero"
	return embedded.WriteConfig(cloud, config)
}

// stopCloud ends the cloud of a folder; one that does not listen is killed.
func stopCloud(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	p, err := embedded.Announced(dir)
	if errors.Is(err, embedded.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.Stop(ctx); err != nil && !errors.Is(err, embedded.ErrNotRunning) {
		return errors.Join(err, syscall.Kill(p.PID, syscall.SIGKILL))
	}
	return nil
}

// killCloud kills the script's cloud as a crash would.
func killCloud(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: kill-cloud")
	}
	p, err := embedded.Announced(ts.Getenv("MOLDCTL_CLOUD_DIR"))
	ts.Check(err)
	ts.Check(syscall.Kill(p.PID, syscall.SIGKILL))
}

// killAt applies a stack and kills moldctl at the moment the cloud has carried
// out a command, before moldctl hears of it.
func killAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: kill-at COMMAND STACK")
	}
	p, err := embedded.Announced(ts.Getenv("MOLDCTL_CLOUD_DIR"))
	ts.Check(err)
	var fault struct {
		ID   string
		Held int
	}
	admin(ts, p, http.MethodPost, "/faults", map[string]any{"command": args[0], "where": "after", "kind": "hold"}, &fault)
	var said bytes.Buffer
	run := exec.Command("moldctl", "apply", "--auto-approve", args[1])
	run.Dir, run.Stdout, run.Stderr = ts.MkAbs("."), &said, &said
	for _, name := range []string{"HOME", "MOLDCTL_CLOUD_DIR"} {
		run.Env = append(run.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(run.Start())
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	for again := time.NewTicker(20 * time.Millisecond); fault.Held == 0; {
		select {
		case <-again.C:
			var all []struct{ Held int }
			admin(ts, p, http.MethodGet, "/faults", nil, &all)
			fault.Held = all[0].Held
		case <-ended:
			ts.Fatalf("moldctl ended before it sent %s:\n%s", args[0], said.String())
		}
	}
	ts.Check(run.Process.Kill())
	<-ended
	admin(ts, p, http.MethodDelete, "/faults", nil, nil)
}

// admin makes one request of a cloud's admin API.
func admin(ts *testscript.TestScript, p embedded.Process, method, path string, body, into any) {
	text, err := json.Marshal(body)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.Admin+path, bytes.NewReader(text))
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+p.Token)
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s: %s", method, path, text)
	}
	if into != nil {
		ts.Check(json.Unmarshal(text, into))
	}
}

// hold keeps a state locked until the script ends.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold FILE")
	}
	key := state.KeyFile{Path: filepath.Join(ts.Getenv("HOME"), ".config", "moldctl", "keys", "local.key")}
	s, err := state.OpenSQLite(context.Background(), ts.MkAbs(args[0]), state.Options{Keys: key, Holder: "apply elsewhere"})
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Close()) })
}

// web serves a page that is no API, and puts its URL into a variable.
func web(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: web VARIABLE")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Welcome</body></html>")
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// times checks how often a text stands in a file.
func times(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: times COUNT TEXT FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[2]), args[1]); got != want {
		ts.Fatalf("%q stands %d times in %s, want %d", args[1], got, args[2], want)
	}
}

// truncated copies the first bytes of a file, or all but the last.
func truncated(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: truncated FILE INTO COUNT")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	if n < 0 {
		n += len(text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:n]), 0o600))
}

// fetch asks the URL that a file holds, again and again over connections of
// their own, until a wanted text has come COUNT times, and writes what came.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: fetch URLFILE COUNT TEXT INTO")
	}
	url := strings.TrimSpace(ts.ReadFile(args[0]))
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var came []string
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for last := "nothing came"; want > 0; {
		if text, err := get(ctx, client, url); err != nil {
			last = err.Error()
		} else if last = text; strings.Contains(text, args[2]) {
			came = append(came, text)
			want--
			continue
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			ts.Fatalf("%s never answered with %q; last: %.300s", url, args[2], last)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.Join(came, "\n")), 0o600))
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
