package cloudsim

// notReplayed are exchanges whose point is lost in a replay, with the reason.
var notReplayed = map[string]string{
	"002": "the bad signature is not part of the recording", "003": "the missing key is not", "004": "the missing signature is not",
	"005": "the unknown key is not", "006": "the expired signature is not", "007": "nor the good one", "008": "nor the missing expires",
	"185": "only KVM can be registered for",
	"417": "its machine has an offering that the recording made unseen", "429": "so have some of these", "430": "and these",
	"515": "its template was made from a machine of such an offering",
	"472": "its members come in the monitor's own time, which is too long to wait for",
}

// knownDifferences are where the embedded cloud answers otherwise than the recorded server: number or command (or * for all)
// and a part of the difference, with the reason.
var knownDifferences = map[string]string{
	"037 .count":             "one more size of machine, Large Instance",
	"038 .count":             "the recording shows four disk offerings, the catalogue five",
	"041 .count":             "four ready templates instead of one",
	"042 .count":             "the same",
	"049 .count":             "only KVM is modelled",
	"352 .count":             "one event for each step of a call, not one for each rule and address it touches",
	"352 .event[0].state":    "the recording happens to begin with an event of the same second",
	"352 .event[0].parentid": "the same",
	"267 .errortext":         "the format is QCOW2, as KVM's templates have it",
	"268 .errortext":         "the same",
	"* cpuused":              "the load is measured, and shown while a machine runs",
	"* networkkbs":           "the same",
	"* memory":               "the same",
	"* diskkbs":              "the same",
	"* diskio":               "the same",
	"097 job":                "the simulator has no haproxy; a real router refuses this policy on a rule with members",
	"109 job":                "the same: a rule with the refused policy cannot be pushed",
	"440 job":                "the simulator has no haproxy, which refuses an algorithm it does not know",
}
