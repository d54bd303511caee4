package cloudstack

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// TestPollingPace waits for jobs that take from one second to minutes, of
// commands that are new and of such that took as long or half as long before:
// each is noticed at most 5 % late, with few questions.
func TestPollingPace(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{1000, 1510, 2300, 5000, 7700, 12345, 31000, 60000, 299000} {
		took *= time.Millisecond
		for name, before := range map[string]time.Duration{"new": 0, "was quicker": took / 2, "as before": took} {
			t.Run(fmt.Sprintf("%s/%s", took, name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					cloud := &fakeCloud{answer: func(string, url.Values) reply {
						status := 0
						if time.Since(began) >= took {
							status = 1
						}
						return reply{body: fmt.Sprintf(`{"queryasyncjobresultresponse":{"jobstatus":%d,"jobresult":{"network":{"id":"n"}}}}`, status)}
					}}
					c, err := New(Settings{Endpoint: "http://cloud.test/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1, Transport: cloud})
					if err != nil {
						t.Fatal(err)
					}
					if before > 0 {
						c.pace.learn("createNetwork", before)
					}
					if _, err := c.waitJob(t.Context(), "createNetwork", "job"); err != nil {
						t.Fatal(err)
					}
					if late := time.Since(began) - took; late > took/20 {
						t.Errorf("noticed %s late", late)
					}
					if polls := len(cloud.commands()); polls > 240 {
						t.Errorf("asked %d times", polls)
					}
				})
			})
		}
	}
}
