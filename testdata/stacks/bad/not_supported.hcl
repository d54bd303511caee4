stack "a" {
  state {
  }
}
module "m" {
  source = "./m"
}
