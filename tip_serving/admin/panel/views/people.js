// Who may come in, as what; for admins. A new password is shown once and kept nowhere but as a hash.
import { Access, Pages, Sure } from "tip-panel";

export default {
  components: { Access, Pages, Sure },
  props: { page: Object, faults: { type: Array, default: () => [] }, made: String },
  data() {
    return { name: "", role: "judge", password: "" };
  },
  watch: {
    made(who) { if (who) this.name = this.password = ""; },
  },
  methods: {
    fault(field) { return this.faults.filter((found) => found.field === field).map((found) => found.message).join(" "); },
    promote(user, select) {
      this.$emit("promote", { name: user.name, role: select.value });
      select.value = user.role; // until the server says that it is so
    },
  },
  template: `
    <div>
      <Access here="/users" title="Users" lead="Admins start experiments and manage users; viewers read everything; judges see tips, and never who wrote them."/>
      <div v-for="found in faults.filter((f) => !['name', 'password', 'role'].includes(f.field))" class="note bad" role="alert">{{ found.message }}</div>
      <table class="stack" role="table" aria-label="Users"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Name</th><th role="columnheader" scope="col" class="left">Role</th><th role="columnheader" scope="col" class="left">Signs in by</th><th role="columnheader" scope="col">Since</th><th role="columnheader" scope="col"><span class="hidden">Change</span></th></tr></thead>
        <tbody role="rowgroup"><tr role="row" v-for="user in page.users" :key="user.name"><th role="rowheader" scope="row"><bdi class="cell-name">{{ user.name }}</bdi><small v-if="user.is_me">you</small></th>
          <td role="cell" class="left"><span v-if="user.is_me">{{ user.role }}</span><select v-else :value="user.role" :aria-label="'Role of ' + user.name" @change="promote(user, $event.target)"><option v-for="known in page.roles" :value="known">{{ known }}</option></select></td>
          <td role="cell" class="left" data-label="Signs in by">{{ user.way }}</td><td role="cell" data-label="Since">{{ user.since }}</td>
          <td role="cell"><Sure v-if="!user.is_me" act="Remove" :of="user.name" @sure="$emit('remove', { name: user.name })"/></td></tr></tbody></table>
      <Pages :number="page.number" :of="page.n_pages" @turn="$emit('turn', $event)"/>
      <section><h2>Add a user</h2>
        <form class="inline-form" @submit.prevent="$emit('add', { name, role, password })" novalidate>
          <div class="field"><label for="u-name">Name</label><input id="u-name" v-model="name" autocomplete="off" spellcheck="false" :aria-invalid="fault('name') ? 'true' : null" aria-describedby="e-name"><span id="e-name"><span v-if="fault('name')" class="fault">{{ fault("name") }}</span></span></div>
          <div class="field"><label for="u-role">Role</label><select id="u-role" v-model="role"><option v-for="known in page.roles" :value="known">{{ known }}</option></select></div>
          <div class="field"><label for="u-password">Password</label><input id="u-password" type="password" v-model="password" autocomplete="new-password" :aria-invalid="fault('password') ? 'true' : null" aria-describedby="e-password"><span id="e-password"><span v-if="fault('password')" class="fault">{{ fault("password") }}</span></span></div>
          <button class="primary">Add</button>
        </form>
      </section>
    </div>`,
};
