locals {
	a[31m = 1
}
