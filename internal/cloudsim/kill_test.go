package cloudsim

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// childDir is set in a process of its own: the folder whose cloud it is to serve until it is killed.
const childDir = "CLOUDSIM_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveChild(dir)
		return
	}
	os.Exit(m.Run())
}

type childCloud struct {
	Endpoint string
	Keys     Keys
}

func serveChild(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir, Latency: LatencyFast})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	keys, _ := c.Keys("admin")
	if err := json.NewEncoder(os.Stdout).Encode(childCloud{c.Endpoint(), keys}); err != nil {
		os.Exit(1)
	}
	<-c.Done()
}

// raw sends a signed request; any failure is an error, as the cloud may be dead.
func (c childCloud) raw(command string, kv ...string) (map[string]any, error) {
	params := url.Values{"command": {command}, "apikey": {c.Keys.APIKey}, "response": {"json"}}
	for i := 0; i+1 < len(kv); i += 2 {
		params.Set(kv[i], kv[i+1])
	}
	resp, err := http.Post(c.Endpoint, "application/x-www-form-urlencoded", strings.NewReader(signQuery(params, c.Keys.SecretKey)))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var top map[string]map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&top); err != nil {
		return nil, err
	}
	for _, body := range top {
		if resp.StatusCode != 200 {
			return nil, fmt.Errorf("%s: %v", command, body)
		}
		return body, nil
	}
	return nil, fmt.Errorf("%s: empty answer", command)
}

// TestKill kills a serving process under load: whatever it has answered must be there afterwards, and every job must end.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var cloud childCloud
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&cloud); err != nil {
		t.Fatal(err)
	}
	first := mustRaw(t, cloud, "listZones")
	zone := first["zone"].([]any)[0].(map[string]any)["id"].(string)
	offering := mustRaw(t, cloud, "listNetworkOfferings", "name", sourceNATOffering)["networkoffering"].([]any)[0].(map[string]any)["id"].(string)

	var mu sync.Mutex
	networks, jobs := make(map[string]bool), make(map[string]bool)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				body, err := cloud.raw("createNetwork", "name", fmt.Sprintf("n-%d-%d", worker, i), "zoneid", zone, "networkofferingid", offering)
				if err != nil {
					return
				}
				id := body["network"].(map[string]any)["id"].(string)
				mu.Lock()
				networks[id] = true
				enough := len(networks) == 60
				mu.Unlock()
				started, err := cloud.raw("updateNetwork", "id", id, "displaytext", "changed")
				if err != nil {
					return
				}
				mu.Lock()
				jobs[started["jobid"].(string)] = true
				mu.Unlock()
				if enough {
					if err := child.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	_ = child.Wait() // it was killed: that it says so is no news

	second := startCloud(t, Options{Dir: dir})
	for id := range networks {
		if r := must(t, second, "admin", "listNetworks", "id", id); len(r.items("network")) != 1 {
			t.Errorf("network %s was acknowledged and is gone", id)
		}
	}
	for id := range jobs {
		r := result{body: map[string]any{"jobid": id}}
		if done := await(t, second, "admin", r); done.object("network")["displaytext"] != "changed" {
			t.Errorf("job %s: got %v", id, done.body)
		}
	}
	t.Logf("%d networks and %d jobs survived", len(networks), len(jobs))
}

func mustRaw(t *testing.T, c childCloud, command string, kv ...string) map[string]any {
	t.Helper()
	body, err := c.raw(command, kv...)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
