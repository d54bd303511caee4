package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/moldctl/moldctl/core/diag"
)

// The parser and the evaluator recurse, and a Go program cannot recover from a
// full stack, so text that would make them recurse without bound is refused
// first. No real stack comes near these limits.
const (
	maxNesting   = 250
	maxOperators = 5000
)

// checkNesting refuses brackets nested too deep and expressions that chain too
// many operators.
func checkNesting(name string, src []byte) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // the parser reports what is wrong with tokens
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
			return diag.Errorf(t.Range.Ptr(), "Nested too deep", "Brackets are nested more than %d levels deep here. Is it the right file?", maxNesting)
		}
		if operators > maxOperators {
			return diag.Errorf(t.Range.Ptr(), "Expression too long", "One expression has more than %d operators. Split it with locals.", maxOperators)
		}
	}
	return nil
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
