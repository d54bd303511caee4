package cloudsim

// notReplayed are exchanges whose point is lost in a replay, with the reason.
var notReplayed = map[string]string{
	"002": "the bad signature is not part of the recording", "003": "the missing key is not", "004": "the missing signature is not",
	"005": "the unknown key is not", "006": "the expired signature is not", "007": "nor the good one", "008": "nor the missing expires",
}

// knownDifferences are where the embedded cloud answers otherwise than the recorded server: number or command (or * for all)
// and a part of the difference, with the reason.
var knownDifferences = map[string]string{
	"037 .count":             "one more size of machine, Large Instance",
	"038 .count":             "the recording shows four disk offerings, the catalogue five",
	"049 .count":             "only KVM is modelled",
	"352 .count":             "one event for each step of a call, not one for each rule and address it touches",
	"352 .event[0].state":    "the recording happens to begin with an event of the same second",
	"352 .event[0].parentid": "the same",
}
