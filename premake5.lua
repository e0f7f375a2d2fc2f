-- Links of NVIDIA's repo_build: the extension runs from a bare checkout too, this places it into a Kit application's build.
-- premake takes the extension's id from the folder name, which must be "physicl_twin".
local ext = get_current_extension_info()

project_ext(ext)

repo_build.prebuild_link {
    { "config", ext.target_dir .. "/config" },
    { "data", ext.target_dir .. "/data" },
    { "docs", ext.target_dir .. "/docs" },
    { "physicl_twin", ext.target_dir .. "/physicl_twin" },
}

-- extension.toml stands at the root (Kit reads it there), which project_ext does not link.
repo_build.prebuild_copy {
    { "extension.toml", ext.target_dir },
}
