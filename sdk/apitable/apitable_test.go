package apitable

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(table.Names()); n < 700 {
		t.Fatalf("the table holds %d commands, want all of a server's", n)
	}
	deploy, ok := table.Command("deployVirtualMachine")
	if !ok || !deploy.Async {
		t.Fatalf("deployVirtualMachine: found %t, async %t", ok, deploy.Async)
	}
	if _, ok := table.Command("deployvirtualmachine"); ok {
		t.Error("command names must be matched exactly")
	}
	tests := map[string]struct {
		param string
		want  Param
		found bool
	}{
		"required id": {"serviceofferingid", Param{"serviceofferingid", UUID, true, 255}, true},
		"map":         {"details", Param{"details", Map, false, 255}, true},
		"long text":   {"userdata", Param{"userdata", String, false, 1048576}, true},
		"unknown":     {"servicofferingid", Param{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found := deploy.Param(tt.param)
			if diff := cmp.Diff(tt.want, got); diff != "" || found != tt.found {
				t.Errorf("found %t (-want +got)\n%s", found, diff)
			}
		})
	}
	nic, ok := deploy.Field("nic")
	if !ok {
		t.Fatal("deployVirtualMachine answers no nic")
	}
	if _, ok := nic.Field("ipaddress"); !ok {
		t.Errorf("a nic has no ipaddress: %v", nic)
	}
}

func TestEveryCommandCanBeRead(t *testing.T) {
	t.Parallel()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range table.Names() {
		c, err := decode(name, table.lines[name])
		if err != nil {
			t.Error(err)
		}
		if again, ok := table.Command(name); !ok || again.Name != name || len(again.Params) != len(c.Params) {
			t.Errorf("command %s: %v", name, again)
		}
	}
}

func TestUnpackRefusesDamage(t *testing.T) {
	t.Parallel()
	tests := map[string][]byte{
		"empty":     nil,
		"not gzip":  []byte("hello"),
		"cut short": packed[:len(packed)/2],
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := unpack(in); err == nil {
				t.Error("want an error")
			}
		})
	}
}

func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		if _, err := unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
