package cloudsim

import "maps"

// command is what the cloud knows of one API command beyond its row in the API table. Either run is set (synchronous), or
// start and job (asynchronous). All functions are called under the cloud's lock, inside a transaction: an error undoes
// every change made since the last commit.
type command struct {
	// run does a synchronous command and returns what goes into the envelope: an Obj or a List.
	run func(*Call) (any, error)

	// start checks an asynchronous call, makes the entity and returns its id ("" if it has none).
	start func(*Call) (string, error)
	// creates: the answer carries the entity's id next to the job's.
	creates bool
	// job does the work after the command's latency; c.EntityID is what start returned. After a kill it runs again from
	// its beginning, so it must cope with its own half-done work. The Obj is the job's result.
	job func(*Call) (Obj, error)
	// queue names the thing the job works on ("vm:<id>", "network:<id>"): jobs of one queue run one after the other.
	queue func(*Call) string
	// address names the public address whose rules the call changes. The real cloud locks it, and a call that finds it
	// locked sleeps five seconds; so does the job here, with real latency.
	address func(*Call) string

	id        kind            // the kind of parameters "id" and "ids"
	kinds     map[string]kind // the kind of other parameters, where kindOfParam is silent or wrong
	rootOnly  bool            // all but root administrators are refused with 432, unless a rule of their role says otherwise
	adminOnly bool            // so are ordinary users, but not domain administrators
	envelope  string          // the answer's top key, if it is not "<name in lower case>response"
	event     string          // type of the event to record
}

// allCommands joins the tables of the families.
func allCommands() map[string]command {
	all := make(map[string]command)
	for _, family := range []map[string]command{
		placeCommands,
		identityCommands,
		roleCommands,
		domainCommands,
		accountCommands,
		userCommands,
		projectCommands,
		siteCommands,
		offeringCommands,
		networkOfferingCommands,
		vpcCommands,
		aclCommands,
		gatewayCommands,
		vpnCommands,
		jobCommands,
		tagCommands,
		networkCommands,
		publicIPCommands,
		firewallCommands,
		portForwardCommands,
		staticNATCommands,
		ipForwardingCommands,
		vmCommands,
		volumeCommands,
		templateCommands,
		computeCommands,
		lbCommands,
		certCommands,
		conditionCommands,
		policyCommands,
		profileCommands,
		groupCommands,
		throttleCommands,
	} {
		maps.Copy(all, family)
	}
	for _, family := range moreCommands() {
		maps.Copy(all, family)
	}
	return all
}
