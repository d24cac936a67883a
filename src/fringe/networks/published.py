"""The published weight files of the networks, with addresses, digests, licences and sources.

For each network, the first file is fetched if none exists. Any of the other files is used if it
exists.
"""

from fringe.networks.weight_files import WeightFile

__all__ = [
    "CLIP",
    "CLIP_L14_336",
    "DINOV2_B",
    "DINOV2_L",
    "INCEPTION",
    "INCEPTION_TORCHVISION",
    "RESNET50",
    "SWAV",
    "VGG16",
    "VGG16_NVIDIA",
]

SZEGEDY = "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016"
SIMONYAN = "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015"
HE = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
RADFORD = (
    "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, "
    "ICML 2021"
)
OQUAB = "Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, TMLR 2024"

# The TensorFlow graph of 2015-12-05, used for every published FID, and two ports of its weights.
INCEPTION = (
    WeightFile(
        "pt_inception-2015-12-05-6726825d.pth",
        (
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth",
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
        ),
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Apache-2.0",
        SZEGEDY,
    ),
    WeightFile(
        "weights-inception-2015-12-05-6726825d.pth",
        (
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
        ),
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Apache-2.0",
        SZEGEDY,
    ),
    WeightFile(
        "inception-2015-12-05.pt",
        (
            "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/"
            "inception-2015-12-05.pt",
        ),
        "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
        "Apache-2.0",
        SZEGEDY,
    ),
    WeightFile(
        "classify_image_graph_def.pb",
        (
            "https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/"
            "classify_image_graph_def.pb",
        ),
        None,
        "Apache-2.0",
        SZEGEDY,
    ),
    WeightFile(
        "inception-2015-12-05.tgz",
        ("http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz",),
        None,
        "Apache-2.0",
        SZEGEDY,
    ),
)

INCEPTION_TORCHVISION = (
    WeightFile(
        "inception_v3_google-0cc3c7bd.pth",
        ("https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",),
        "0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
        "BSD-3-Clause",
        SZEGEDY,
    ),
    # The file of torchvision up to 0.9, which was current when the paper was written. The training
    # is the same. The file was saved again because GPUs other than the first could not load it
    # (pull request 3851 of pytorch/vision, which closes issues 2473 and 3767).
    WeightFile(
        "inception_v3_google-1a9a5a14.pth",
        ("https://download.pytorch.org/models/inception_v3_google-1a9a5a14.pth",),
        "1a9a5a14f40645a370184bd54f4e8e631351e71399112b43ad0294a79da290c8",
        "BSD-3-Clause",
        SZEGEDY,
    ),
)

RESNET50 = (
    WeightFile(
        "resnet50-0676ba61.pth",
        ("https://download.pytorch.org/models/resnet50-0676ba61.pth",),
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        "BSD-3-Clause",
        HE,
    ),
)

SWAV = (
    WeightFile(
        "swav_800ep_pretrain.pth.tar",
        ("https://dl.fbaipublicfiles.com/deepcluster/swav_800ep_pretrain.pth.tar",),
        None,
        "CC-BY-NC-4.0",
        "Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster "
        "Assignments, NeurIPS 2020",
    ),
)

CLIP = (
    WeightFile(
        "ViT-B-32.pt",
        (
            "https://openaipublic.azureedge.net/clip/models/"
            "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt",
        ),
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "MIT",
        RADFORD,
    ),
)

CLIP_L14_336 = (
    WeightFile(
        "ViT-L-14-336px.pt",
        (
            "https://openaipublic.azureedge.net/clip/models/"
            "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt",
        ),
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
        "MIT",
        RADFORD,
    ),
)

VGG16 = (
    WeightFile(
        "vgg16-397923af.pth",
        ("https://download.pytorch.org/models/vgg16-397923af.pth",),
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "BSD-3-Clause",
        SIMONYAN,
    ),
)

# Not torchvision's training; the licence is that of the weights of VGG's authors.
VGG16_NVIDIA = (
    WeightFile(
        "vgg16.pt",
        ("https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/vgg16.pt",),
        "b437eb095feaeb0b83eb3fa11200ebca4548ee39a07fb944a417ddc516cc07c3",
        "CC-BY-4.0",
        SIMONYAN,
    ),
)

DINOV2_B = (
    WeightFile(
        "dinov2_vitb14_pretrain.pth",
        ("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth",),
        "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
        "Apache-2.0",
        OQUAB,
    ),
)

DINOV2_L = (
    WeightFile(
        "dinov2_vitl14_pretrain.pth",
        ("https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",),
        "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
        "Apache-2.0",
        OQUAB,
    ),
)
