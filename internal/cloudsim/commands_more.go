package cloudsim

// moreCommands are the families beside those of machines and networks.
func moreCommands() []map[string]command {
	return []map[string]command{
		securityGroupCommands,
		isoCommands,
		physicalCommands,
		providerCommands,
		rangeCommands,
		storageRangeCommands,
		hostCommands,
		clusterCommands,
		poolCommands,
		guestOSCommands,
		imageStoreCommands,
		capacityCommands,
		internalLBCommands,
		routingCommands,
		permitCommands,
		alertCommands,
		detailCommands,
		systemVMCommands,
		projectMemberCommands,
		projectRoleCommands,
		snapshotPolicyCommands,
		scheduleCommands,
		smallCommands,
		volumeMoveCommands,
		snapshotMoveCommands,
		migrationCommands,
		annotationCommands,
		dedicationCommands,
		vlanCommands,
	}
}
