package cloudsim

import (
	"strings"
	"testing"
)

// notReplayedMore are exchanges of the second recording that cannot be replayed, with the reason.
var notReplayedMore = map[string]string{}

// knownMore are where the embedded cloud answers otherwise than in the second recording; see knownDifferences.
var knownMore = map[string]string{
	"833":           "the recording's zone had more networks",
	"838":           "the same",
	"839":           "the same",
	"840":           "the same",
	"841":           "the same",
	"857":           "answers about network cards show the whole machine",
	"859":           "answers about network cards show the whole machine",
	"861":           "answers about network cards show the whole machine",
	"862":           "answers about network cards show the whole machine",
	"864":           "answers about network cards show the whole machine",
	"865":           "answers about network cards show the whole machine",
	"866":           "answers about network cards show the whole machine",
	"867":           "the public range is another one",
	"873":           "follows from a card or address that 862 to 867 did not give here",
	"874":           "follows from a card or address that 862 to 867 did not give here",
	"876":           "follows from a card or address that 862 to 867 did not give here",
	"877":           "follows from a card or address that 862 to 867 did not give here",
	"887":           "the recording's key is not part of it",
	"933":           "a card does not name its VPC",
	"1107":          "two hosts instead of four, and fewer of their figures",
	"1131":          "the machine's details and disk offering are shown in part",
	"1135":          "the machine's details and disk offering are shown in part",
	"1136":          "the machine's details and disk offering are shown in part",
	"1138":          "the machine's details and disk offering are shown in part",
	"1139":          "the machine's details and disk offering are shown in part",
	"1140":          "the machine's details and disk offering are shown in part",
	"1141":          "KVM's refusal, where the recording has the simulator's",
	"1145":          "the machine's details and disk offering are shown in part",
	"1146":          "the machine's details and disk offering are shown in part",
	"1147":          "the machine's details and disk offering are shown in part",
	"1148":          "the machine's details and disk offering are shown in part",
	"1149":          "the machine's details and disk offering are shown in part",
	"1150":          "the machine's details and disk offering are shown in part",
	"1151":          "the machine's details and disk offering are shown in part",
	"1152":          "a change to a free size without numbers is not yet refused",
	"1153":          "the machine's details and disk offering are shown in part",
	"1154":          "the machine's details and disk offering are shown in part",
	"1155":          "nor is dynamic scaling of what cannot scale",
	"1156":          "the machine's details and disk offering are shown in part",
	"1157":          "the machine's details and disk offering are shown in part",
	"1161":          "a field is not modelled",
	"1163":          "the number of a machine that is gone is not shown",
	"1164":          "a removed machine is not yet refused here",
	"1166":          "what an ordinary user sees of a machine differs in a few fields",
	"1167":          "what an ordinary user sees of a machine differs in a few fields",
	"1169":          "what an ordinary user sees of a machine differs in a few fields",
	"1171":          "its new host name is taken here, so the update is refused",
	"1172":          "follows from 1171: the protection was not set",
	"1173":          "the same",
	"1174":          "disks do not show the rates of their offering",
	"1175":          "follows from 1172: the machine is destroyed here",
	"1176":          "follows from 1172: the machine is destroyed here",
	"1177":          "follows from 1172: the machine is destroyed here",
	"1178":          "follows from 1172: the machine is destroyed here",
	"1179":          "follows from 1172: the machine is destroyed here",
	"1180":          "follows from 1172: the machine is destroyed here",
	"1182":          "follows from 1172: the machine is destroyed here",
	"1183":          "follows from 1172: the machine is destroyed here",
	"1184":          "follows from 1172: the machine is destroyed here",
	"1186":          "follows from 1172: the machine is destroyed here",
	"1188":          "the snapshot of 1187 has no tag here",
	"1064 .since":   "since when a command exists is not in the API table",
	"1064 .related": "nor what is related to it",
	"1069 .count":   "one more size of machine, Large Instance",
	"1080 .count":   "the recording's zone had a shared network that everybody saw",
}

// covers reports whether a difference is of this part of the recording.
func (m *moreReplay) covers(key string) bool {
	number, _, _ := strings.Cut(key, " ")
	return m.replayed[number]
}

// prepare makes what the recording had by then but does not show.
func (m *moreReplay) prepare(t *testing.T, number string) {
	t.Helper()
	switch number {
	case "833": // a machine had brought the network up
		network := m.ids["6ca2fcea-"+m.tail("6ca2fcea")]
		zone := must(t, m.cloud, "admin", "listZones").items("zone")[0]["id"].(string)
		offering := must(t, m.cloud, "admin", "listServiceOfferings", "name", "Small Instance").items("serviceoffering")[0]["id"].(string)
		template := must(t, m.cloud, "admin", "listTemplates", "templatefilter", "featured", "name", "CentOS 9").items("template")[0]["id"].(string)
		mustJob(t, m.cloud, "admin", "deployVirtualMachine", "zoneid", zone, "serviceofferingid", offering, "templateid", template, "networkids", network, "name", "first")
		mustJob(t, m.cloud, "admin", "createTags", "resourcetype", "Network", "resourceids", network, "tags[0].key", "env", "tags[0].value", "rn")
	}
}

// tail finds the rest of a recorded id by its start.
func (m *moreReplay) tail(start string) string {
	for id := range m.ids {
		if strings.HasPrefix(id, start+"-") {
			return strings.TrimPrefix(id, start+"-")
		}
	}
	return ""
}

// afterwards notes who the callers are once they are made.
func (m *moreReplay) afterwards(number string) {
	switch number {
	case "1033":
		m.as["dadmin"] = "rc-dadmin"
	case "1034":
		m.as["user"] = "rc-acct"
	case "0801", "801":
		m.as["user"] = "rn-acct"
	}
}
