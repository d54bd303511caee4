package cloudsim

import (
	"strings"
	"testing"
)

// step is one call of a table that runs in order. Values "$name" stand for what an earlier step kept.
type step struct {
	name    string
	as      string // default admin
	command string
	kv      []string
	status  int    // default 200
	text    string // a part of the error's text, of the call or of its job
	keep    string // name of the id of the (only) object in the answer
	want    string // a part of the answer, or of the job's result
	unlike  string // must not be in there
}

// runSteps carries out a table against a cloud. vars are the values known beforehand; it returns them with what was kept.
func runSteps(t *testing.T, c *Cloud, vars map[string]string, steps []step) map[string]string {
	t.Helper()
	if vars == nil {
		vars = map[string]string{}
	}
	for _, s := range steps {
		kv := make([]string, len(s.kv))
		for i, v := range s.kv {
			kv[i] = v
			if name, ok := strings.CutPrefix(v, "$"); ok && i%2 == 1 {
				if kv[i], ok = vars[name]; !ok {
					t.Fatalf("%s: nothing is called %s", s.name, v)
				}
			}
		}
		r := call(t, c, valueOr(s.as, "admin"), s.command, kv...)
		if status := s.status; r.status != max(status, 200) && !(status == 0 && r.status == 200) {
			t.Fatalf("%s: %s answered %d, want %d: %s", s.name, s.command, r.status, max(status, 200), r.raw)
		}
		if r.status == 200 && r.str("jobid") != "" {
			r = await(t, c, "admin", r)
		}
		if got := r.text(); s.text == "" && s.status == 0 && got != "" || !strings.Contains(got, s.text) {
			t.Fatalf("%s: %s refused with %q, want %q", s.name, s.command, got, s.text)
		}
		if s.want != "" && !strings.Contains(r.raw, s.want) || s.unlike != "" && strings.Contains(r.raw, s.unlike) {
			t.Errorf("%s: %s: want %s, not %q: %s", s.name, s.command, s.want, s.unlike, r.raw)
		}
		if s.keep != "" {
			vars[s.keep] = idInside(t, r)
		}
	}
	return vars
}

// idInside is the id of the only object, or of the first of the only list, in an answer.
func idInside(t *testing.T, r result) string {
	t.Helper()
	for key := range r.body {
		if id, ok := r.object(key)["id"].(string); ok {
			return id
		}
		if items := r.items(key); len(items) > 0 {
			id, _ := items[0]["id"].(string)
			return id
		}
	}
	t.Fatalf("no object with an id in %s", r.raw)
	return ""
}
