package cloudsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListPage(t *testing.T) {
	t.Parallel()
	three := List{Key: "x", Items: []Obj{{"n": 1}, {"n": 2}, {"n": 3}}}
	many := List{Key: "x", Items: make([]Obj, 501)}
	tests := map[string]struct {
		list   List
		params Params
		want   Obj
		err    string
		reason string
	}{
		"empty":             {List{Key: "x"}, nil, Obj{}, "", "no count and no array"},
		"all":               {three, nil, Obj{"count": 3, "x": three.Items}, "", "count is the total"},
		"first page":        {three, Params{"page": "1", "pagesize": "2"}, Obj{"count": 3, "x": three.Items[:2]}, "", ""},
		"last page":         {three, Params{"page": "2", "pagesize": "2"}, Obj{"count": 3, "x": three.Items[2:]}, "", ""},
		"page zero":         {three, Params{"page": "0", "pagesize": "2"}, Obj{"count": 3, "x": three.Items[:2]}, "", "zero works as one"},
		"beyond the end":    {three, Params{"page": "9", "pagesize": "2"}, Obj{"count": 3}, "", "count without array"},
		"page size zero":    {three, Params{"page": "1", "pagesize": "0"}, Obj{"count": 3}, "", "count only"},
		"cap":               {many, nil, Obj{"count": 501, "x": many.Items[:500]}, "", "500 without paging"},
		"size alone":        {three, Params{"pagesize": "2"}, nil, `"page" parameter is required when "pagesize" is specified`, ""},
		"size over the cap": {three, Params{"page": "1", "pagesize": "501"}, nil, "Page size can't exceed max allowed page size value: 500", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.list.page(tt.params)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", tt.reason, err, diff)
			}
		})
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	p := Params{"ids": "a, b,,c", "tags[0].key": "k", "tags[0].value": "v", "tags[3].key": "l", "tags[3].value": "w",
		"details[0].cpuNumber": "2", "details[0].memory": "512", "ok": "TRUE", "no": "yes", "n": "7", "bad": "x"}
	if diff := cmp.Diff([]string{"a", "b", "c"}, p.List("ids")); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]map[string]string{{"key": "k", "value": "v"}, {"key": "l", "value": "w"}}, p.Maps("tags")); diff != "" {
		t.Errorf("entries of a map (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"k": "v", "l": "w"}, p.Map("tags")); diff != "" {
		t.Errorf("map of keys and values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"cpuNumber": "2", "memory": "512"}, p.Map("details")); diff != "" {
		t.Errorf("map of fields (-want +got):\n%s", diff)
	}
	if !p.Bool("ok", false) || p.Bool("no", true) || !p.Bool("absent", true) {
		t.Error("booleans: anything but true is false, absent is the default")
	}
	if p.Int("n", 0) != 7 || p.Int("bad", 3) != 3 || p.Int("absent", 4) != 4 {
		t.Error("integers")
	}
}
