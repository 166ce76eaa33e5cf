"""DeepSeek V1 (DeepSeek-MoE), which transformers has no class for: the arithmetic
of the modelling code that was published with the model, written out.  Attention,
norms and dense MLPs are those of Llama; what is its own is the mixture of
experts: softmax over all experts in f32, the best of them with their weights as
they are (norm_topk_prob: divided by their sum), and shared experts beside."""
import torch
import torch.nn.functional as F
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM


class DeepseekConfig(LlamaConfig):
    model_type = "deepseek"


class Mlp(nn.Module):
    def __init__(self, hidden, width):
        super().__init__()
        self.gate_proj = nn.Linear(hidden, width, bias=False)
        self.up_proj = nn.Linear(hidden, width, bias=False)
        self.down_proj = nn.Linear(width, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Mixture(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.top, self.renormalise = c.num_experts_per_tok, c.norm_topk_prob
        self.gate = nn.Linear(c.hidden_size, c.n_routed_experts, bias=False)
        self.experts = nn.ModuleList(
            Mlp(c.hidden_size, c.moe_intermediate_size)
            for _ in range(c.n_routed_experts))
        self.shared_experts = Mlp(
            c.hidden_size, c.moe_intermediate_size * c.n_shared_experts)

    def forward(self, x):
        score = F.softmax(self.gate(x).float(), dim=-1)
        weight, chosen = torch.topk(score, self.top, dim=-1, sorted=False)
        if self.top > 1 and self.renormalise:
            weight = weight / (weight.sum(dim=-1, keepdim=True) + 1e-20)
        share = torch.zeros_like(score).scatter_(-1, chosen, weight)
        out = sum(share[..., e:e + 1] * expert(x)
                  for e, expert in enumerate(self.experts))
        return out + self.shared_experts(x)


class DeepseekForCausalLM(LlamaForCausalLM):
    config_class = DeepseekConfig

    def __init__(self, config):
        super().__init__(config)
        for i, layer in enumerate(self.model.layers):
            if (i >= config.first_k_dense_replace
                    and i % config.moe_layer_freq == 0):
                layer.mlp = Mixture(config)
