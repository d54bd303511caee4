package conformance

// Check is one promise of a plugin.
type Check struct {
	Name string
	Says string
}

// The checks of the text: nothing is started for them.
var (
	SpecParses       = Check{"spec-parses", "plugin.yaml is understood"}
	LintClean        = Check{"lint-clean", "every call, parameter and field exists, and every change leads somewhere"}
	Documented       = Check{"documented", "every type, attribute and block says what it is"}
	VersionSemantic  = Check{"version-semantic", "the version is of the form 1.2.3"}
	ExampleStands    = Check{"example-stands", "the type has an example, which holds a resource of it"}
	ExampleValid     = Check{"example-valid", "the example is a valid stack"}
	RequiredShown    = Check{"required-shown", "every required attribute has an example"}
	DefaultsAllowed  = Check{"defaults-allowed", "every default keeps the limits of its attribute"}
	SecretsMarked    = Check{"secrets-marked", "attributes that sound like secrets are sensitive"}
	IdentityDeclared = Check{"identity-declared", "an interrupted create can be found again"}
	Findable         = Check{"findable", "objects can be imported by name"}
	ReadBatched      = Check{"read-batched", "one listing serves every object of the type"}
)

// The checks of an object's life.
var (
	ExampleApplies   = Check{"example-applies", "the example can be applied as it is"}
	ExampleSettles   = Check{"example-settles", "nothing is left to do after the example was applied"}
	ExampleDestroyed = Check{"example-destroyed", "nothing is left in the cloud after the example was destroyed"}

	CreateWorks      = Check{"create-works", "an object is made"}
	CreateSettles    = Check{"create-settles", "the plan after a create is empty"}
	CreateNamed      = Check{"create-named", "the state knows the id of what was made"}
	IdleQuiet        = Check{"idle-quiet", "planning and applying without a change send no call that changes anything"}
	OneCreate        = Check{"one-create", "one object is made once"}
	BatchEqualsOne   = Check{"batch-equals-one", "objects read together are as objects read one by one"}
	ReadQuiet        = Check{"read-quiet", "reading changes nothing"}
	FoundByID        = Check{"found-by-id", "a query for the id finds the object and no other"}
	FoundByName      = Check{"found-by-name", "a query for the name finds the object"}
	FoundNothing     = Check{"found-nothing", "a query for an unknown id finds nothing, without an error"}
	ImportByID       = Check{"import-by-id", "an object imported by id leaves an empty plan"}
	ImportByName     = Check{"import-by-name", "an object imported by name leaves an empty plan"}
	GoneNoticed      = Check{"gone-noticed", "an object deleted outside is noticed, and a new one planned"}
	GoneRecreated    = Check{"gone-recreated", "an object deleted outside is made again, once"}
	DeletedTwice     = Check{"deleted-twice", "deleting what is gone already succeeds"}
	DeleteWorks      = Check{"delete-works", "an object is deleted, and nothing of it is left"}
	SecretsUnlogged  = Check{"secrets-unlogged", "no secret is in the plugin's output, in messages or in progress"}
	SecretsSealed    = Check{"secrets-sealed", "no secret is readable in the state's files"}
	ChangeAsDeclared = Check{"change-as-declared", "a change of one attribute updates or replaces, as plugin.yaml says"}
	ChangeSettles    = Check{"change-settles", "the plan after a change is empty"}
	ChangeKeepsID    = Check{"change-keeps-id", "an update keeps the object, a replacement makes another"}
	ChangeReverts    = Check{"change-reverts", "the change can be taken back"}
	DriftNoticed     = Check{"drift-noticed", "an attribute changed outside is noticed, and planned to be put back"}
	BlockChanges     = Check{"block-changes", "blocks can be added and removed, and the plan afterwards is empty"}
)

// The checks of what goes wrong.
var (
	KilledCreate   = Check{"killed-create", "killed at a call of a create, the next apply finishes it: no orphan, no duplicate"}
	KilledUpdate   = Check{"killed-update", "killed at a call of an update, the next apply finishes it"}
	KilledReplace  = Check{"killed-replace", "killed at a call of a replacement, the next apply finishes it: no orphan, no duplicate"}
	KilledDelete   = Check{"killed-delete", "killed at a call of a delete, the next apply finishes it"}
	AnswerLost     = Check{"answer-lost", "a call whose answer was lost is not made twice"}
	JobFails       = Check{"job-fails", "a failed job is told in the cloud's words, and the next apply makes up for it"}
	Busy           = Check{"busy", "a cloud that is overloaded for a moment is asked again"}
	CancelPrompt   = Check{"cancel-prompt", "a cancelled apply ends within seconds"}
	CancelRecovers = Check{"cancel-recovers", "after a cancelled apply the next one finishes: no orphan, no duplicate"}
	AsUser         = Check{"as-user", "an ordinary user can make, keep and delete it"}
	RandomAsUser   = Check{"random-as-user", "an ordinary user can apply random configurations"}
	RandomApplies  = Check{"random-applies", "random valid configurations can be applied"}
	RandomSettles  = Check{"random-settles", "the plan after a random configuration is empty"}
	RandomGone     = Check{"random-gone", "nothing is left of random configurations"}
)

// Checks returns every check in the order of the report.
func Checks() []Check {
	return []Check{
		SpecParses, LintClean, Documented, VersionSemantic, ExampleStands, ExampleValid, RequiredShown, DefaultsAllowed, SecretsMarked,
		IdentityDeclared, Findable, ReadBatched, ExampleApplies, ExampleSettles, ExampleDestroyed, CreateWorks, CreateSettles, CreateNamed,
		OneCreate, IdleQuiet, BatchEqualsOne, ReadQuiet, FoundByID, FoundByName, FoundNothing, ImportByID, ImportByName, GoneNoticed,
		GoneRecreated, DeletedTwice, DeleteWorks, SecretsUnlogged, SecretsSealed, ChangeAsDeclared, ChangeSettles, ChangeKeepsID,
		DriftNoticed, ChangeReverts, BlockChanges, KilledCreate, KilledUpdate, KilledReplace, KilledDelete, AnswerLost, JobFails, Busy,
		CancelPrompt, CancelRecovers, AsUser, RandomAsUser, RandomApplies, RandomSettles, RandomGone,
	}
}

func order(name string) int {
	for i, c := range Checks() {
		if c.Name == name {
			return i
		}
	}
	return len(name) + 1000
}
