package apitable

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != 747 {
		t.Errorf("commands: got %d, want 747", len(table))
	}
	tests := map[string]struct {
		command, param string
		async          bool
		want           Param
		reason         string
	}{
		"required uuid": {"createFirewallRule", "ipaddressid", true, Param{"ipaddressid", UUID, true, 255, ""}, "required parameters are marked"},
		"long string":   {"deployVirtualMachine", "userdata", true, Param{"userdata", String, false, 1048576, ""}, "lengths other than 255 survive packing"},
		"sync":          {"createNetwork", "name", false, Param{"name", String, true, 255, ""}, "createNetwork is synchronous in CloudStack"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := table[tt.command]
			if c == nil || c.Async != tt.async {
				t.Fatalf("%s: got %+v: %s", tt.command, c, tt.reason)
			}
			got, ok := c.Param(tt.param)
			if !ok {
				t.Fatalf("%s has no parameter %s", tt.command, tt.param)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}
