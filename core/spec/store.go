package spec

import (
	"net/url"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Store is what the stack block says of the state: its `state` and
// `encryption` blocks.
type Store struct {
	Postgres    string   // URL of a database; "" = a file beside the stack
	Environment string   // tells states of one stack apart in a database
	Keep        int      // serials of history to keep, 0 = the default
	Recipients  []string // age public keys the secrets are sealed for
	Range       hcl.Range
}

var (
	storeSchema      = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "postgres"}, {Name: "environment"}, {Name: "keep"}}}
	encryptionSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "recipients", Required: true}}}
)

// store decodes the state and encryption blocks of the stack block.
func (d *decoder) store(blocks hcl.Blocks) {
	for _, b := range blocks {
		key := b.Type + " block in stack"
		if first, ok := d.seen[key]; ok {
			d.errorf(b.DefRange.Ptr(), "Duplicate "+b.Type+" block", "There is already one at %s, line %d. A stack has one.", first.Filename, first.Start.Line)
			continue
		}
		d.seen[key] = b.DefRange
		d.stack.Store.Range = b.DefRange
		if b.Type == "encryption" {
			d.encryption(b)
			continue
		}
		attrs := d.content(b.Body, storeSchema).Attributes
		d.stack.Store.Environment = d.text(attrs["environment"])
		if attr := attrs["postgres"]; attr != nil {
			d.stack.Store.Postgres = d.text(attr)
			d.checkStoreURL(attr, b.DefRange)
		}
		if attr := attrs["keep"]; attr != nil {
			d.keep(attr)
		}
	}
}

// checkStoreURL refuses what is no URL of a database, and a password in it: a
// spec is read by many.
func (d *decoder) checkStoreURL(attr *hcl.Attribute, block hcl.Range) {
	text := d.stack.Store.Postgres
	if text == "" {
		return // reported
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid state store", "\"postgres\" takes the URL of a database: postgres://USER@HOST:5432/DATABASE.")
		return
	}
	_, secret := u.User.Password()
	if secret || u.Query().Get("password") != "" {
		// The block is shown and not the line, which holds the password.
		d.errorf(block.Ptr(), "Password in a stack",
			"The URL in \"postgres\" holds a password, which everybody sees who reads the stack. Give it in PGPASSWORD or ~/.pgpass, or the whole URL in MOLD_STATE_URL.")
	}
}

func (d *decoder) keep(attr *hcl.Attribute) {
	v, ok := d.constant(attr, cty.Number)
	if !ok {
		return
	}
	n, _ := v.AsBigFloat().Int64()
	if !v.AsBigFloat().IsInt() || n < 1 || n > 10000 {
		d.errorf(attr.Expr.Range().Ptr(), "Incorrect value", "\"keep\" says how many serials of history are kept, a whole number from 1 to 10000.")
		return
	}
	d.stack.Store.Keep = int(n)
}

func (d *decoder) encryption(b *hcl.Block) {
	attr := d.content(b.Body, encryptionSchema).Attributes["recipients"]
	if attr == nil {
		return // reported as missing
	}
	v, ok := d.constant(attr, cty.List(cty.String))
	if !ok {
		return
	}
	for _, one := range v.AsValueSlice() {
		if one.IsNull() {
			d.errorf(attr.Expr.Range().Ptr(), "Incorrect value", "\"recipients\" is a list of age public keys (age1…); null is none.")
			return
		}
		d.stack.Store.Recipients = append(d.stack.Store.Recipients, one.AsString())
	}
}
