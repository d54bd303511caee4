package cloudsim

import "testing"

// TestFidelity meets a trap of the original, and the same call without it.
func TestFidelity(t *testing.T) {
	t.Parallel()
	for fidelity, status := range map[Fidelity]float64{FidelityStrict: JobFailed, FidelityIdeal: JobSucceeded} {
		t.Run(string(fidelity), func(t *testing.T) {
			t.Parallel()
			c := startCloud(t, Options{Fidelity: fidelity})
			network := makeNetwork(t, c, "admin", "web")
			ip := must(t, c, "admin", "associateIpAddress", "networkid", network)
			await(t, c, "admin", ip)
			rule := must(t, c, "admin", "createLoadBalancerRule", "name", "r", "publicipid", ip.str("id"), "publicport", "80", "privateport", "80", "algorithm", "roundrobin")
			await(t, c, "admin", rule)
			job := must(t, c, "admin", "updateLoadBalancerRule", "id", rule.str("id"), "algorithm", "leastconn")
			await(t, c, "admin", job)
			if got := must(t, c, "admin", "queryAsyncJobResult", "jobid", job.str("jobid")); got.body["jobstatus"] != status {
				t.Errorf("update of a rule without protocol: got %s, want status %v", got.raw, status)
			}
			if got := must(t, c, "admin", "listLoadBalancerRules").items("loadbalancerrule")[0]["algorithm"]; got != "leastconn" {
				t.Errorf("the rule has %v: it changes either way", got)
			}
		})
	}
}
