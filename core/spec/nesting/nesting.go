// Package nesting refuses text that the parser and the evaluator of HCL could
// not take: they recurse, and a Go program cannot recover from a full stack.
//
// It imports nothing of this project.
package nesting

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// No real stack comes near these limits.
const (
	maxNesting   = 250
	maxOperators = 5000
)

// Config checks a whole file.
func Config(src []byte, name string) *hcl.Diagnostic {
	if plain(src) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // the parser reports what is wrong with tokens
	return check(tokens)
}

// Template checks the text of a template.
func Template(src []byte, name string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexTemplate(src, name, hcl.InitialPos)
	return check(tokens)
}

// Expression checks the text of an expression.
func Expression(src []byte, name string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexExpression(src, name, hcl.InitialPos)
	return check(tokens)
}

// check refuses brackets nested too deep and expressions that chain too many
// operators.
func check(tokens hclsyntax.Tokens) *hcl.Diagnostic {
	var open []hclsyntax.TokenType
	operators := 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
		operators = countOperators(operators, t.Type, open)
		if len(open) > maxNesting {
			return refuse(t.Range, "Nested too deep", fmt.Sprintf("Brackets are nested more than %d levels deep here. Is it the right file?", maxNesting))
		}
		if operators > maxOperators {
			return refuse(t.Range, "Expression too long", fmt.Sprintf("One expression has more than %d operators. Split it with locals.", maxOperators))
		}
	}
	return nil
}

func refuse(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

// countOperators counts what nests without brackets, starting anew with each
// argument, element and line.
func countOperators(n int, t hclsyntax.TokenType, open []hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenComma:
		return 0
	case hclsyntax.TokenNewline:
		if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
			return 0
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
		hclsyntax.TokenPercent, hclsyntax.TokenQuestion, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp,
		hclsyntax.TokenNotEqual, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenLessThan,
		hclsyntax.TokenLessThanEq, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateControl:
		return n + 1
	}
	return n
}
