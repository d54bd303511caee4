package cloudsim

// vmCommands are machines.
var vmCommands = map[string]command{
	"deployVirtualMachine":              {start: startDeploy, job: deployJob, creates: true, queue: queueDeploy, event: "VM.CREATE"},
	"listVirtualMachines":               {run: listVMs, id: kindVM, kinds: map[string]kind{"autoscalevmgroupid": kindAny}},
	"startVirtualMachine":               {start: startVM, job: startVMJob, queue: queueVM("id"), id: kindVM, event: "VM.START"},
	"stopVirtualMachine":                {start: startVM, job: stopVMJob, queue: queueVM("id"), id: kindVM, event: "VM.STOP"},
	"rebootVirtualMachine":              {start: startVM, job: rebootVMJob, queue: queueVM("id"), id: kindVM, event: "VM.REBOOT"},
	"destroyVirtualMachine":             {start: startDestroy, job: destroyVMJob, queue: queueVM("id"), id: kindVM, event: "VM.DESTROY", kinds: map[string]kind{"volumeids": kindVolume}},
	"expungeVirtualMachine":             {start: startVM, job: expungeVMJob, queue: queueVM("id"), id: kindVM, event: "VM.EXPUNGE"},
	"recoverVirtualMachine":             {run: recoverVM, id: kindVM},
	"updateVirtualMachine":              {run: updateVM, id: kindVM, event: "VM.UPDATE", kinds: map[string]kind{"securitygroupids": kindAny}},
	"scaleVirtualMachine":               {start: startVM, job: scaleVMJob, queue: queueVM("id"), id: kindVM, event: "VM.UPGRADE"},
	"changeServiceForVirtualMachine":    {run: changeService, id: kindVM, event: "VM.UPGRADE"},
	"resetPasswordForVirtualMachine":    {start: startVM, job: resetPasswordJob, queue: queueVM("id"), id: kindVM, event: "VM.RESETPASSWORD"},
	"resetSSHKeyForVirtualMachine":      {start: startResetKey, job: resetKeyJob, queue: queueVM("id"), id: kindVM, event: "VM.RESETSSHKEY", envelope: "resetSSHKeyforvirtualmachineresponse"},
	"resetUserDataForVirtualMachine":    {run: resetUserData, id: kindVM, event: "VM.RESETUSERDATA"},
	"restoreVirtualMachine":             {start: startRestore, job: restoreVMJob, queue: queueVM("virtualmachineid"), event: "VM.RESTORE", envelope: "restorevmresponse"},
	"updateVmNicIp":                     {start: startNICIP, job: updateNICIPJob, event: "NIC.UPDATE"},
	"getVMPassword":                     {run: getVMPassword, id: kindVM},
	"getVirtualMachineUserData":         {run: getUserData},
	"addNicToVirtualMachine":            {start: startNICChange, job: addNICJob, queue: queueVM("virtualmachineid"), event: "NIC.CREATE"},
	"removeNicFromVirtualMachine":       {start: startNICChange, job: removeNICJob, queue: queueVM("virtualmachineid"), event: "NIC.DELETE"},
	"updateDefaultNicForVirtualMachine": {start: startNICChange, job: defaultNICJob, queue: queueVM("virtualmachineid"), event: "NIC.UPDATE"},
	"listNics":                          {run: listNICs},
	"addIpToNic":                        {start: startAddIP, job: addIPJob, creates: true, event: "NIC.SECONDARY.IP.ASSIGN", envelope: "addiptovmnicresponse"},
	"removeIpFromNic":                   {start: startRemoveIP, job: removeIPJob, event: "NIC.SECONDARY.IP.UNASSIGN", kinds: map[string]kind{"id": kindAny}},
}

// queueVM is the queue of jobs that change the machine a parameter names.
func queueVM(param string) func(*Call) string {
	return func(c *Call) string { return "vm:" + c.Str(param) }
}

func queueDeploy(c *Call) string { return "vm:" + c.EntityID }
