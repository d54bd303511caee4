module "none" {
  source = "./nothing-here"
}
module "registry" {
  source = "acme/base/cloud"
}
module "git" {
  source = "git::https://example.com/base.git?ref=v1"
}
module "variable" {
  source = var.where
}
module "self" {
  source = "../bad"
}
module "inner" {
  source  = "../parts/base"
  version = "1.0"
  nmae    = "x"
  cloud   = cloud.west
}
module "inner" {
  source = "../parts/base"
}
module "both" {
  source   = "../parts/base"
  name     = "x"
  count    = 2
  for_each = toset(["a"])
}
module "block" {
  source = "../parts/base"
  name   = "x"
  extra {
  }
}
module "clouds" {
  source = "../parts/clouds"
}
