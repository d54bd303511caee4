package diag

import "github.com/hashicorp/hcl/v2"

// JSON is the machine form of a diagnostic.
type JSON struct {
	Severity string     `json:"severity"` // "error" or "warning"
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail,omitempty"`
	Address  string     `json:"address,omitempty"`
	Range    *JSONRange `json:"range,omitempty"`
	Context  string     `json:"context,omitempty"` // the enclosing block
	Code     string     `json:"code,omitempty"`    // the source line
	Values   []string   `json:"values,omitempty"`  // what the references in the expression stand for
}

// JSONRange is a place in a file. Lines and columns count from 1, bytes from 0.
type JSONRange struct {
	Filename string  `json:"filename"`
	Start    JSONPos `json:"start"`
	End      JSONPos `json:"end"`
}

// JSONPos is one end of a JSONRange.
type JSONPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// ToJSON returns the machine form of diags, sorted and without repetitions. It
// is never nil, so that it is written as a list.
func ToJSON(diags hcl.Diagnostics, files map[string]*hcl.File) []JSON {
	out := []JSON{}
	for _, d := range Sort(diags) {
		j := JSON{
			Severity: "error", Summary: Clean(d.Summary), Detail: Clean(d.Detail),
			Address: Clean(Address(d)), Values: valueHints(d),
		}
		if d.Severity == hcl.DiagWarning {
			j.Severity = "warning"
		}
		if d.Subject != nil {
			j.Range = &JSONRange{Filename: Clean(d.Subject.Filename), Start: jsonPos(d.Subject.Start), End: jsonPos(d.Subject.End)}
			j.Context = blockAt(files, d.Subject)
			if ex := excerptOf(files, d.Subject); ex != nil {
				j.Code = ex.code
			}
		}
		out = append(out, j)
	}
	return out
}

func jsonPos(p hcl.Pos) JSONPos { return JSONPos{Line: p.Line, Column: p.Column, Byte: p.Byte} }
