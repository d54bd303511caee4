package conformance

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFewErrors(t *testing.T) {
	t.Parallel()
	texts := [][]string{{`resource "a" "x_r0" {}`, "beside 0"}, {`resource "a" "x_r1" {}`}, {`resource "a" "x_r2" {}`}, {`resource "a" "x_r3" {}`}}
	one := func(n string) string { return "Error: Refused\n  in resource \"a\" \"x_" + n + "\":\nno.\n\n" }
	for name, tc := range map[string]struct{ said, want string }{
		"one of four":   {one("r1"), one("r1") + "\n\nresource \"a\" \"x_r1\" {}"},
		"all":           {one("r0") + one("r1") + one("r2") + one("r3"), one("r0") + one("r1")[:len(one("r1"))-2] + "\n\nand 2 more errors.\n\nresource \"a\" \"x_r0\" {}\nbeside 0\nresource \"a\" \"x_r1\" {}"},
		"no one's name": {"Error: No cloud", "Error: No cloud\n\nresource \"a\" \"x_r0\" {}\nbeside 0\nresource \"a\" \"x_r1\" {}\nresource \"a\" \"x_r2\" {}\nresource \"a\" \"x_r3\" {}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, few(tc.said, texts).Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
