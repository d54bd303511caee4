package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// verbs name the verb that a check is about.
const (
	creates = "create"
	reads   = "read"
	updates = "update"
	deletes = "delete"
	finds   = "find"
)

// guidance is where the author of a plugin looks for what a check found, and
// what to do about it.
type guidance struct{ verb, advice string }

// guide says it for the checks whose findings do not speak for themselves.
func guide() map[string]guidance {
	settles := guidance{creates, "What is read is not what was asked for. Read it from where it is shown (field), say what counts as the same (equal), " +
		"let the cloud fill it in (computed), or say that it cannot be read (field: \"-\"). In code: return what the cloud shows now, spelled as it was asked for."}
	kill := "Each call must be found again after a crash: say in identity what the cloud keeps unique, a marker that the create carries, or serial. " +
		"In code: send changes through r.Cloud.Call only, with an Identity, and with keys that are the same when the operation is taken up again."
	gone := "Everything that create made must be gone: the object and what was made beside it. In code: send the call, and return its error."
	return map[string]guidance{
		ExampleApplies.Name:   {creates, "The example is what users copy: it must be accepted as it stands."},
		ExampleSettles.Name:   settles,
		ExampleDestroyed.Name: {deletes, gone},
		CreateWorks.Name:      {creates, "See which parameter the cloud refuses: another name (param), another form (encode), or a limit that the attribute does not have (values, min, max, pattern)."},
		CreateSettles.Name:    settles,
		CreateNamed.Name:      {creates, "The id comes from the answer to the create call: name the object in it (result), or the field that it is known by (id: {field: …}). In code: return it."},
		OneCreate.Name:        {creates, "Each call of create is sent once; what an interrupted run made is in r.Resume, and r.Cloud.Call returns it."},
		IdleQuiet.Name:        {updates, "Nothing was to be done, and something was: either the plan is not empty, or reading changes the cloud."},
		BatchEqualsOne.Name:   {reads, "The listing must show the same fields as a read by id. Without that, leave out batch."},
		ReadQuiet.Name:        {reads, "Reading must change nothing: another run reads at the same time."},
		FoundByID.Name:        {finds, "find must honour the id that it is asked for: name the parameter of the listing, or compare in code."},
		FoundByName.Name:      {finds, "find must list the object of that very name, and no other: compare the whole name, not a part of it."},
		FoundNothing.Name:     {finds, "What does not exist is no error of find: list nothing."},
		ImportByID.Name:       {reads, "An import knows the id alone: all other attributes must be read. What cannot be read (field: \"-\") needs a default, or the import cannot be without changes: then say so in " + HintsFile + "."},
		ImportByName.Name:     {finds, "As for the id; and find must know the object by its name (find: {name: FIELD})."},
		GoneNoticed.Name:      {reads, "A read must say that the object is gone: in code sdk.ErrGone, in plugin.yaml a read whose answer is empty or names no such entity (gone, http.errors.gone)."},
		GoneRecreated.Name:    {creates, "What was deleted outside is made anew: nothing of the old object may be used."},
		DeletedTwice.Name:     {deletes, "Deleting what is gone is a success. In code: look first, or take the cloud's word for it."},
		DeleteWorks.Name:      {deletes, gone},
		SecretsUnlogged.Name:  {creates, "Whatever holds a secret must neither be printed, nor be in an error or in progress."},
		SecretsSealed.Name:    {creates, "Mark the attribute as sensitive: the state seals what is marked."},
		ChangeAsDeclared.Name: {updates, "Say replace for what the cloud cannot change, and name the attribute in a call of update (on) for what it can."},
		ChangeSettles.Name:    {updates, "The change did not arrive, or it took something else along: send what changed and nothing else, and read back what the cloud shows. " + settles.advice},
		ChangeKeepsID.Name:    {updates, "An update changes the object that there is; what needs another one is declared as replace."},
		ChangeReverts.Name:    {updates, "What can be set can be taken back, to nothing too: find out how the cloud is told so."},
		DriftNoticed.Name:     {reads, "A read must show what is there, not what was asked for: take every attribute from the answer of the cloud."},
		BlockChanges.Name:     {updates, "Each item of the block is added and removed by itself: look at the calls of children, or at Update."},
		KilledCreate.Name:     {creates, kill},
		KilledUpdate.Name:     {updates, kill},
		KilledReplace.Name:    {creates, kill},
		KilledDelete.Name:     {deletes, kill},
		AnswerLost.Name:       {creates, kill},
		JobFails.Name:         {creates, "What the cloud refuses must reach the user: return the error of the call."},
		Busy.Name:             {creates, "An overloaded cloud is asked again: leave that to r.Cloud, or say which statuses mean it (http.errors.retry)."},
		CancelPrompt.Name:     {creates, "Heed the context: pass ctx to everything that waits, and sleep with a timer beside ctx.Done()."},
		CancelRecovers.Name:   {creates, kill},
		AsUser.Name:           {creates, "If only operators may do this, say so with role; otherwise leave out what users may not set."},
		RandomAsUser.Name:     {creates, "Either an attribute is for operators (role), or the schema allows what the cloud refuses: values, min, max, pattern, format, conflicts, requires."},
		RandomApplies.Name:    {creates, "The schema allows what the cloud refuses: values, min, max, pattern, format, conflicts, requires. What no schema can say goes into " + HintsFile + "."},
		RandomSettles.Name:    settles,
		RandomGone.Name:       {deletes, gone},
	}
}

// place is where in plugin.yaml something failed: at the attribute or block it
// is about, else at the verb.
func (k *kit) place(c Check, typ, about string, err error) string {
	if k.spec == nil || k.spec.Types[typ] == nil {
		return "" // the text of the diagnostics says where
	}
	t := k.spec.Types[typ]
	rng := t.Range
	if at, ok := verbRange(t, guide()[c.Name].verb); ok {
		rng = at
	}
	var plan unsettled
	names := []string{about}
	if errors.As(err, &plan) {
		names = append(plan.attributes, about)
	}
	for _, name := range names {
		if at, ok := named(t, name); ok {
			rng = at
			break
		}
	}
	return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line)
}

// named finds an attribute or a block by its name or path.
func named(t *pluginspec.Type, path string) (hcl.Range, bool) {
	name, _, _ := strings.Cut(path, "[")
	name, _, _ = strings.Cut(name, ".")
	name, _, _ = strings.Cut(name, ",") // "rule, 1 of 3"
	if a := t.Attr(name); a != nil && a.Range.Filename != "" {
		return a.Range, true
	}
	for _, b := range t.Blocks {
		if b.Name == name {
			return b.Range, true
		}
	}
	return hcl.Range{}, false
}

// verbRange is where a verb stands that is made of calls.
func verbRange(t *pluginspec.Type, verb string) (hcl.Range, bool) {
	if verb == finds {
		if t.Find != nil && t.Find.Call != nil {
			return t.Find.Call.Range, true
		}
		return hcl.Range{}, false
	}
	v := map[string]*pluginspec.Verb{creates: t.Create, reads: t.Read, updates: t.Update, deletes: t.Delete}[verb]
	if v == nil || len(v.Calls) == 0 {
		return hcl.Range{}, false
	}
	return v.Calls[0].Range, true
}

// unsettled is what a plan would still do after everything was done.
type unsettled struct {
	text       string
	attributes []string // that differ
}

func (e unsettled) Error() string { return e.text }
