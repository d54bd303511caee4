package cloudsim

// What is known to differ from the recordings: the number of an exchange, and why.

// knownFirst is of the first recording.
var knownFirst = map[string]string{
	"097": "application cookies are refused on a rule with members: a real haproxy takes no such policy, the simulated router takes everything",
	"109": "the refused policy of 097 is not there, so that the update fails for its algorithm instead",
	"185": "nothing is downloaded, so that no host name is resolved; the hypervisor Simulator is refused before",
	"352": "one event for each step of a call, not one for each rule and address it touches",
	"434": "at zero latency the first of the two destroys has ended before the second one comes",
	"440": "an algorithm that haproxy does not know is refused; the simulated router takes it",
	"441": "shows the algorithm of 440",
	"516": "why a private template answers without hasannotations here, and with it in 177, is not known",
}

// knownNetworks is of the recording of networks.
var knownNetworks = map[string]string{}

// knownMachines is of the recording of identity and machines.
var knownMachines = map[string]string{
	"1064": "since when a command exists is not in the declared API",
	"1190": "the recorded hypervisor cannot revert snapshots, KVM can",
}
