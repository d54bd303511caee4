package cloudsim

// declaredOrder is the order in which the server looks for required parameters, where it is not that of the alphabet. Of several
// that are missing the first one is named.
var declaredOrder = map[string][]string{
	"addCluster":                           {"clustername", "podid", "zoneid", "hypervisor", "clustertype"},
	"addHost":                              {"podid", "url", "zoneid", "hypervisor"},
	"addNetworkServiceProvider":            {"physicalnetworkid", "name"},
	"addNicToVirtualMachine":               {"virtualmachineid", "networkid"},
	"addVpnUser":                           {"username", "password"},
	"assignCertToLoadBalancer":             {"lbruleid", "certid"},
	"configureInternalLoadBalancerElement": {"id", "enabled"},
	"configureVirtualRouterElement":        {"id", "enabled"},
	"createAutoScalePolicy":                {"action", "duration", "conditionids"},
	"createAutoScaleVmGroup":               {"lbruleid", "minmembers", "maxmembers", "scaleuppolicyids", "scaledownpolicyids", "vmprofileid"},
	"createAutoScaleVmProfile":             {"zoneid", "serviceofferingid", "templateid"},
	"createCounter":                        {"name", "source", "value", "provider"},
	"createIpForwardingRule":               {"ipaddressid", "startport", "protocol"},
	"createLBStickinessPolicy":             {"lbruleid", "name", "methodname"},
	"createNetworkOffering":                {"name", "traffictype", "guestiptype"},
	"createPhysicalNetwork":                {"zoneid", "name"},
	"createPod":                            {"zoneid", "name"},
	"createPrivateGateway":                 {"gateway", "netmask", "ipaddress", "vpcid"},
	"createRolePermission":                 {"roleid", "rule", "permission"},
	"createSnapshotFromVMSnapshot":         {"volumeid", "vmsnapshotid"},
	"createTags":                           {"tags", "resourcetype", "resourceids"},
	"createVMSchedule":                     {"virtualmachineid", "schedule", "timezone", "action"},
	"createVPC":                            {"zoneid", "name", "vpcofferingid"},
	"createVpnConnection":                  {"s2svpngatewayid", "s2scustomergatewayid"},
	"createVpnCustomerGateway":             {"gateway", "cidrlist", "ipsecpsk", "ikepolicy", "esppolicy"},
	"dedicateGuestVlanRange":               {"vlanrange", "physicalnetworkid"},
	"dedicateHost":                         {"hostid", "domainid"},
	"dedicatePod":                          {"podid", "domainid"},
	"dedicatePublicIpRange":                {"id", "domainid"},
	"dedicateZone":                         {"zoneid", "domainid"},
	"deleteAccountFromProject":             {"projectid", "account"},
	"deleteTags":                           {"resourcetype", "resourceids"},
	"extractVolume":                        {"id", "zoneid", "mode"},
	"migrateVolume":                        {"volumeid", "storageid"},
	"prepareTemplate":                      {"zoneid", "templateid"},
	"removeNicFromVirtualMachine":          {"virtualmachineid", "nicid"},
	"updateDefaultNicForVirtualMachine":    {"virtualmachineid", "nicid"},
	"updateHostPassword":                   {"username", "password"},
	"updateVpnCustomerGateway":             {"id", "gateway", "cidrlist", "ipsecpsk", "ikepolicy", "esppolicy"},
	"uploadSslCert":                        {"certificate", "privatekey", "name"},
}

// nameFields are what the server's code calls the parameter "name", by command: the text about long values shows it.
var nameFields = map[string]string{
	"createaffinitygroup": "affinityGroupName", "creatediskoffering": "offeringName", "updatediskoffering": "diskOfferingName",
	"createdomain": "domainName", "updatedomain": "domainName", "createinstancegroup": "groupName", "updateinstancegroup": "groupName",
	"createloadbalancerrule": "loadBalancerRuleName", "updateloadbalancerrule": "loadBalancerName",
	"createLBStickinessPolicy": "lbStickinessPolicyName", "createnetworkoffering": "networkOfferingName",
	"updatenetworkoffering": "networkOfferingName", "createphysicalnetwork": "physicalNetworkName", "createpod": "podName",
	"updatepod": "podName", "createrole": "roleName", "updaterole": "roleName", "createsecuritygroup": "securityGroupName",
	"createserviceoffering": "serviceOfferingName", "updateserviceoffering": "serviceOfferingName", "createsnapshot": "snapshotName",
	"createtemplate": "templateName", "registertemplate": "templateName", "updatetemplate": "name", "registeriso": "isoName",
	"createvolume": "volumeName", "uploadvolume": "volumeName", "createvpc": "vpcName", "updatevpc": "vpcName",
	"createvpcoffering": "vpcOfferingName", "updatevpcoffering": "vpcOffName", "createzone": "zoneName", "updatezone": "zoneName",
}

// paramFields are what the server's code calls other parameters.
var paramFields = map[string]string{
	"account": "accountName", "cidrlist": "cidrlist", "displayname": "displayName", "displaytext": "displayText", "firstname": "firstName",
	"hosttags": "hostTag", "lastname": "lastName", "networkdomain": "networkDomain", "publickey": "publicKey", "userdata": "userData",
	"guestcidraddress": "guestCidrAddress", "internaldns1": "internalDns1", "internaldns2": "internalDns2", "networktype": "networkType",
	"templatetag": "templateTag", "privatekey": "key", "password": "password", "username": "username", "keyword": "keyword",
	"methodname": "stickinessMethodName", "resourcetype": "resourceType",
}

// javaField is the name of the field behind a parameter, which the text about long values shows.
func javaField(label, param string) string {
	if param == "name" {
		return valueOr(nameFields[label], param)
	}
	return valueOr(paramFields[param], param)
}
