package endtoend_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// TestStorms applies and destroys while the cloud refuses every third request
// for load, whatever it is: all gets done, nothing twice, and the cloud is not
// asked much oftener than it refuses.
func TestStorms(t *testing.T) {
	t.Parallel()
	calm := newWorld(t)
	quiet := newTap(t, calm.cloud.Endpoint())
	calm.endpoint = quiet.URL
	calm.write(machine)
	calm.must("apply")
	creates, inventory, calls := calm.creates(), calm.inventory(), len(quiet.taken(t))
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			counted := newTap(t, w.cloud.Endpoint())
			w.endpoint = counted.URL
			w.write(machine)
			w.fault(cloudsim.Fault{Command: "*", Every: 3, Kind: "status", Status: status})
			w.must("apply")
			struck := w.cloud.Faults()[0].Struck
			if got := len(counted.taken(t)); struck == 0 || got > 2*calls {
				t.Errorf("%d calls, of which %d were refused; %d without a storm", got, struck, calls)
			} else {
				t.Logf("%d calls, of which %d were refused; %d without a storm", got, struck, calls)
			}
			w.once(creates)
			w.cloud.RemoveFault("")
			w.settled(inventory)
			w.fault(cloudsim.Fault{Command: "*", Every: 3, Kind: "status", Status: status})
			w.must("destroy")
			w.cloud.RemoveFault("")
			if got := w.inventory(); len(got) != 0 {
				t.Errorf("left over: %v", got)
			}
		})
	}
}

// TestInternalErrors answers calls that make something with the cloud's own
// error 530, which does not tell whether anything was done: before it was, and
// after. The same apply finds out, and makes what is missing.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	creates, inventory := undisturbed(t, machine)
	for _, where := range []string{"before", "after"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write(machine)
			for command := range creates {
				w.fault(cloudsim.Fault{Command: command, Next: 1, Where: where, Kind: "status", Status: 530})
			}
			// What finds out is answered so, too; a create that meets it three times in a row has failed, and rightly.
			for _, command := range []string{
				"listAffinityGroups", "listEgressFirewallRules", "listFirewallRules", "listNetworks", "listPublicIpAddresses", "listVirtualMachines",
				"queryAsyncJobResult",
			} {
				w.fault(cloudsim.Fault{Command: command, Every: 4, Kind: "status", Status: 530})
			}
			w.must("apply")
			w.cloud.RemoveFault("")
			w.once(creates)
			w.settled(inventory)
		})
	}
}
