"""What runs MOMO on many machines: Kubernetes' and CloudFormation's files, made from the topology."""
