package cloudsim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// exchange is one recorded request to a real management server (CloudStack 4.22) with its answer and, if the command was
// asynchronous, the job's last answer. Three files hold no request: they are what was seen of an autoscale group meanwhile.
type exchange struct {
	Name     string                    `json:"-"`  // the file's, without its ending: number, command, case
	As       string                    `json:"as"` // who called: root (or nothing), dadmin, user, session
	Request  map[string]any            `json:"request"`
	Status   int                       `json:"status"`
	Response json.RawMessage           `json:"response"` // an object, or the text of an XML document
	Job      map[string]map[string]any `json:"job"`
	History  []json.RawMessage         `json:"history"`
}

// number is where an exchange stands in its recording.
func (e exchange) number() string { return strings.SplitN(e.Name, "-", 2)[0] }

func (e exchange) command() string {
	command, _ := e.Request["command"].(string)
	return command
}

// answers are the recorded answer's top key and what is below it.
func (e exchange) answers(t *testing.T) (envelope string, body map[string]any) {
	t.Helper()
	var document string
	if json.Unmarshal(e.Response, &document) == nil {
		return parseXML(t, document)
	}
	var top map[string]map[string]any
	if err := json.Unmarshal(e.Response, &top); err != nil || len(top) != 1 {
		t.Fatalf("%s: the recorded answer is not one object in an envelope: %v", e.Name, err)
	}
	for envelope, body = range top {
	}
	return envelope, body
}

// params are the parameters as they were sent, but for the command.
func (e exchange) params() map[string]string {
	out := make(map[string]string, len(e.Request))
	for k, v := range e.Request {
		if k != "command" {
			out[k] = textOf(v)
		}
	}
	return out
}

// textOf is a recorded value as it was sent; large numbers must not become 1e+06.
func textOf(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// loadRecording reads the exchanges of a recording whose numbers lie in a range, in the order in which they were made.
func loadRecording(t *testing.T, folder string, from, to int) []exchange {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cloudstack", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded exchanges: %v", err)
	}
	var out []exchange
	order := make(map[string]int)
	for _, f := range files {
		e := exchange{Name: strings.TrimSuffix(filepath.Base(f), ".json")}
		n, err := strconv.Atoi(e.number())
		if err != nil {
			t.Fatalf("%s: the name does not begin with a number", f)
		}
		if n < from || n > to {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out, order[e.Name] = append(out, e), n
	}
	sort.Slice(out, func(i, j int) bool { return order[out[i].Name] < order[out[j].Name] })
	return out
}
