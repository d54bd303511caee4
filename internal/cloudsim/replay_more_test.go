package cloudsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// moreReplay replays the second recording, which has callers and gaps. It keeps score: exchanges that agree, those that differ
// in a known way, and those that cannot be replayed.
type moreReplay struct {
	*replayer
	as       map[string]string // caller of the recording → account here
	jar      *http.Client      // the session's
	key      string            // its key
	agreed   int
	knew     int
	gaps     map[string]string // exchange → what is missing
	replayed map[string]bool
}

func loadMore(t *testing.T, from, to string) (names []string, all map[string]exchange) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cloudstack", "recorded-more", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded exchanges: %v", err)
	}
	all = make(map[string]exchange, len(files))
	for _, f := range files {
		name := filepath.Base(f)
		if number := fmt.Sprintf("%04s", strings.SplitN(name, "-", 2)[0]); number < from || number > to {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var e exchange
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		names = append(names, name)
		all[name] = e
	}
	sort.Slice(names, func(i, j int) bool {
		return fmt.Sprintf("%04s", numberOf(names[i])) < fmt.Sprintf("%04s", numberOf(names[j]))
	})
	return names, all
}

func numberOf(name string) string { return strings.SplitN(name, "-", 2)[0] }

// send sends an exchange as its caller.
func (m *moreReplay) send(t *testing.T, e exchange) result {
	t.Helper()
	command, _ := e.Request["command"].(string)
	var kv []string
	for _, k := range sortedKeys(e.Request) {
		if k != "command" && k != "sessionkey" {
			kv = append(kv, k, m.translate(textOf(e.Request[k])))
		}
	}
	if e.As == "session" {
		return m.sendSession(t, command, e.Request["sessionkey"] != nil, kv)
	}
	return call(t, m.cloud, m.as[e.As], command, kv...)
}

func (m *moreReplay) sendSession(t *testing.T, command string, withKey bool, kv []string) result {
	t.Helper()
	form := url.Values{"command": {command}, "response": {"json"}}
	for i := 0; i+1 < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	if withKey {
		form.Set("sessionkey", m.key)
	}
	resp, err := m.jar.PostForm(m.cloud.Endpoint(), form)
	if err != nil {
		t.Fatal(err)
	}
	r := readResult(t, resp)
	if command == "login" {
		m.key = r.str("sessionkey")
	}
	return r
}

// replayOne sends an exchange, compares, and counts.
func (m *moreReplay) replayOne(t *testing.T, name string, e exchange) {
	t.Helper()
	m.replayed[numberOf(name)] = true
	got := m.send(t, e)
	var found []string
	for envelope, body := range e.Response {
		if got.envelope != envelope {
			found = append(found, fmt.Sprintf("envelope: want %s, got %s", envelope, got.envelope))
		}
		if got.status != e.Status {
			found = append(found, fmt.Sprintf("status: want %d, got %d %s", e.Status, got.status, got.raw))
			break
		}
		m.learn(body, got.body)
		found = append(found, m.differences("", body, got.body)...)
	}
	if e.Job != nil && got.status == 200 {
		await(t, m.cloud, "admin", got)
		job := must(t, m.cloud, "admin", "queryAsyncJobResult", "jobid", got.str("jobid"))
		want := e.Job["queryasyncjobresultresponse"]
		m.learn(want, job.body)
		found = append(found, m.differences("job", want, job.body)...)
	}
	if len(found) == 0 {
		m.agreed++
		return
	}
	unexplained := 0
	for _, d := range found {
		if key, ok := m.explained(numberOf(name), name, d); ok {
			m.used[key] = true
			continue
		}
		unexplained++
		t.Errorf("%s: %s", name, d)
	}
	if unexplained == 0 {
		m.knew++
	}
}

// missing is the id a request names that nothing here stands for; "" if there is none.
func (m *moreReplay) missing(e exchange) string {
	for _, k := range sortedKeys(e.Request) {
		for _, id := range uuidInside.FindAllString(fmt.Sprint(e.Request[k]), -1) {
			if _, ok := m.ids[id]; !ok && id != noUUID {
				return k
			}
		}
	}
	return ""
}

// textOf is a recorded value as it was sent; large numbers must not become 1e+06.
func textOf(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func startMore(t *testing.T) *moreReplay {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cloud := startCloud(t, Options{Flavor: FlavorCloudStack, Zone: "Sandbox-simulator"})
	m := &moreReplay{replayer: &replayer{cloud: cloud, ids: make(map[string]string), known: knownMore, used: make(map[string]bool)},
		as: map[string]string{"root": "admin", "": "admin"}, jar: &http.Client{Jar: jar}, gaps: make(map[string]string), replayed: make(map[string]bool)}
	m.sameIDs()
	m.shareContent(t)
	return m
}

// shareContent maps the ids of the recording's start content to ours.
func (m *moreReplay) shareContent(t *testing.T) {
	t.Helper()
	s := m.cloud.store
	template, ok := s.Templates.Find(func(t Template) bool { return t.Name == "CentOS 9" })
	if !ok {
		t.Fatal("no template CentOS 9")
	}
	template.Size = 2 * gib // as the recording's, so that its disk sizes fit
	s.Templates.Put(template)
	m.ids["42c8f471-e679-11f1-92f9-02fc00000001"] = template.ID
	zone, _ := s.Zones.Find(func(Zone) bool { return true })
	m.ids["113489ee-eb97-4260-8e83-4f7736f8f724"] = zone.ID
	root := s.Domains.Where(func(Domain) bool { return true })[0]
	m.ids["d460b373-e678-11f1-92f9-02fc00000001"] = root.ID
	for r := range s.Roles.All() {
		m.ids[r.ID] = r.ID
	}
}

// TestReplayMore holds the cloud to the second recording and says how much of it agrees.
func TestReplayMore(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		name, from, to string
		least          int // so many agreed when this was last looked at
	}{{"identity and machines", "1001", "1190", 129}, {"networks", "0801", "0950", 86}} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			m := startMore(t)
			names, all := loadMore(t, part.from, part.to)
			for _, name := range names {
				if reason, ok := notReplayedMore[numberOf(name)]; ok {
					m.gaps[name] = reason
					continue
				}
				e := all[name]
				if command, _ := e.Request["command"].(string); e.Status != 401 && !m.has(command) {
					m.gaps[name] = command + " is not modelled"
					continue
				}
				m.prepare(t, numberOf(name))
				if param := m.missing(e); param != "" {
					m.gaps[name] = "names a " + param + " that was not recorded"
					continue
				}
				m.replayOne(t, name, e)
				m.afterwards(numberOf(name))
			}
			m.score(t, len(names), part.least)
		})
	}
}

func (m *moreReplay) has(command string) bool {
	_, ok := m.cloud.commands[command]
	return ok || command == "login" || command == "logout"
}

func (m *moreReplay) score(t *testing.T, total, least int) {
	t.Helper()
	if m.agreed < least {
		t.Errorf("%d exchanges agree, fewer than the %d that did before", m.agreed, least)
	}
	t.Logf("%d of %d exchanges agree (%.1f %%), %d differ in a known way, %d are not replayed", m.agreed, total, 100*float64(m.agreed)/float64(total), m.knew, len(m.gaps))
	for key, reason := range m.known {
		if !m.used[key] && !t.Failed() && key[0] >= '0' && key[0] <= '9' && m.covers(key) {
			t.Errorf("the known difference %q (%s) is gone: take it off the list", key, reason)
		}
	}
}
