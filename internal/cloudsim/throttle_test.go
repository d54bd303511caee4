package cloudsim

import (
	"net/http"
	"regexp"
	"testing"
)

// TestThrottle lets an account make its calls and refuses the next one; administrators are exempt.
func TestThrottle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options Options
		setting bool
		allowed int
	}{
		"by option":  {Options{Throttle: 3}, false, 3},
		"by setting": {Options{}, true, 25},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t, tt.options)
			if tt.setting {
				must(t, c, "admin", "updateConfiguration", "name", "api.throttling.enabled", "value", "true")
				must(t, c, "admin", "updateConfiguration", "name", "api.throttling.interval", "value", "60")
			} else {
				must(t, c, "admin", "updateConfiguration", "name", "api.throttling.interval", "value", "60")
			}
			for range tt.allowed {
				must(t, c, "user", "listZones")
			}
			r := call(t, c, "user", "listZones")
			want := regexp.MustCompile(`^The given user has reached his/her account api limit, please retry after \[\d+\] ms\.$`)
			if r.status != http.StatusTooManyRequests || !want.MatchString(r.str("errortext")) || r.body["cserrorcode"] != 9999.0 {
				t.Errorf("the call beyond the limit: got %d %s", r.status, r.raw)
			}
			limit := must(t, c, "admin", "getApiLimit").object("apilimit")
			if limit["account"] != "admin" || limit["apiIssued"] != 0.0 || limit["apiAllowed"] != float64(tt.allowed) {
				t.Errorf("limit: got %v", limit)
			}
			must(t, c, "admin", "resetApiLimit")
			must(t, c, "user", "listZones")
			for range tt.allowed + 1 {
				must(t, c, "admin", "listZones")
			}
		})
	}
}
