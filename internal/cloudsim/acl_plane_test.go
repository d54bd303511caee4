package cloudsim

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestListDecidesWhatStaticNATOpens: a denial of one port leaves the ports around it open.
func TestListDecidesWhatStaticNATOpens(t *testing.T) {
	t.Parallel()
	port := func(n int) *int { return &n }
	item := func(number, from, to int, deny bool, cidr string) ACLItem {
		i := ACLItem{Number: number, Protocol: "tcp", Deny: deny, CIDRs: []string{cidr}}
		if from > 0 {
			i.StartPort, i.EndPort = port(from), port(to)
		}
		return i
	}
	tests := map[string]struct {
		items []ACLItem
		want  []string
	}{
		"no rules":              {nil, nil},
		"one range":             {[]ACLItem{item(1, 80, 90, false, "0.0.0.0/0")}, []string{"80-90 [0.0.0.0/0]"}},
		"a denial before":       {[]ACLItem{item(1, 22, 22, true, "0.0.0.0/0"), item(2, 0, 0, false, "0.0.0.0/0")}, []string{"1-21 [0.0.0.0/0]", "23-65535 [0.0.0.0/0]"}},
		"a denial after":        {[]ACLItem{item(1, 20, 30, false, "10.0.0.0/8"), item(2, 22, 22, true, "0.0.0.0/0")}, []string{"20-21 [10.0.0.0/8]", "22-22 [10.0.0.0/8]", "23-30 [10.0.0.0/8]"}},
		"overlapping sources":   {[]ACLItem{item(1, 1, 100, false, "10.0.0.0/8"), item(2, 50, 65535, false, "192.168.0.0/16")}, []string{"1-49 [10.0.0.0/8]", "50-100 [10.0.0.0/8 192.168.0.0/16]", "101-65535 [192.168.0.0/16]"}},
		"everything is refused": {[]ACLItem{item(1, 0, 0, true, "0.0.0.0/0"), item(2, 80, 80, false, "0.0.0.0/0")}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, o := range judged(test.items) {
				got = append(got, fmt.Sprintf("%d-%d %v", o.From, o.To, o.Sources))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("openings (-want +got):\n%s", diff)
			}
		})
	}
}
