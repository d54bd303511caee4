package declarative

import "testing"

// A load balancer is named by id when a member is added, and the members are
// listed with an id of their own.
func TestShownBy(t *testing.T) {
	t.Parallel()
	fields := map[string]string{"virtualmachineids": "id", "protocol": "protocol"}
	tests := map[string]struct {
		params map[string]string
		field  string
		want   bool
	}{
		"the parent's":            {map[string]string{"virtualmachineids": "m", "id": "b"}, "id", true},
		"the item's is not sent":  {map[string]string{"id": "b"}, "id", false},
		"sent and shown as one":   {map[string]string{"protocol": "tcp"}, "protocol", false},
		"shown by no other field": {map[string]string{"virtualmachineids": "m", "networkid": "n"}, "networkid", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shownBy(fields, tt.params, tt.field); got != tt.want {
				t.Errorf("shownBy(%q) = %v", tt.field, got)
			}
		})
	}
}
